// SPDX-License-Identifier: Apache-2.0
// What must not be written: the reason is named and the medium sees no write at all.
#include "kernel/kernel_test.hpp"
#include "kernel/repair/bench.hpp"
#include "pmend/kernel/zeroinit.hpp"
#include "support/must.hpp"
#include "support/waiting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <filesystem>

namespace pmend::world {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RepairRefusal : public KernelTest, public ::testing::WithParamInterface<FsType> {
 protected:
  // Expects a refusal with this text, and that nothing was written.
  void expect_blocked(RepairBench& bench, const FileModel& file, const ByteRange& range, const std::string& text) {
    bench.world().mark_trace();
    const auto reply = bench.plan(file, {range});
    ASSERT_TRUE(reply.refusal.has_value());
    EXPECT_EQ(reply.refusal->state, RefusalState::kBlocked);
    EXPECT_THAT(reply.refusal->reason, HasSubstr(text));
    EXPECT_THAT(bench.world().stray_writes({}), IsEmpty());
  }
};

void set_flag(const std::string& path, long flag, bool on) {
  const UniqueFd fd = must(open_file(path, O_RDONLY));
  int flags = 0;
  must_call(ioctl(fd.get(), FS_IOC_GETFLAGS, &flags), "FS_IOC_GETFLAGS");
  flags = static_cast<int>(on ? flags | flag : flags & ~flag);
  must_call(ioctl(fd.get(), FS_IOC_SETFLAGS, &flags), "FS_IOC_SETFLAGS");
}

TEST_P(RepairRefusal, AColdFileWithCapabilities) {
  RepairBench bench(plain_world(GetParam()));
  const FileModel& file = bench.file("capable");
  bench.world().poison(file, {4096, 512});
  expect_blocked(bench, file, {4096, 512}, "security.capability");
}

TEST_P(RepairRefusal, ImmutableAndAppendOnlyFiles) {
  RepairBench bench(plain_world(GetParam()));
  const FileModel& file = bench.file("owned");
  bench.world().poison_cached(file, {4096, 512});
  for (const auto& [flag, word] : {std::pair(FS_IMMUTABLE_FL, "immutable"), std::pair(FS_APPEND_FL, "append-only")}) {
    set_flag(bench.world().tree().path(file), flag, true);
    expect_blocked(bench, file, {4096, 512}, word);
    set_flag(bench.world().tree().path(file), flag, false);
  }
}

TEST_P(RepairRefusal, AColdTailThatWouldGrow) {
  RepairBench bench(plain_world(GetParam()));
  const FileModel& file = bench.file("tail");
  bench.world().poison(file, {3 * 4096 + 1536, 512});
  expect_blocked(bench, file, {3 * 4096 + 1536, 512}, "longer");
}

// What it says of a page of which nothing can be read, and of one that has readable sectors.
TEST_P(RepairRefusal, WhatOnlyPatchedKernelsCanDo) {
  RepairBench bench(plain_world(GetParam()));
  if (must(kernel::knows_zeroinit(bench.world().fs().mount_point()))) {
    GTEST_SKIP() << "this kernel has the zero-initialise patches";
  }
  bench.world().settle();
  bench.allow({Method::kZeroinit});
  const FileModel& file = bench.file("owned");
  bench.world().poison(file, {4096, 4096});
  expect_blocked(bench, file, {4096, 4096}, "does not have \"zeroinit\"");
  expect_blocked(bench, file, {4096, 4096}, "EOPNOTSUPP");
  bench.world().medium().unpoison(bench.world().device_range(file, {4096 + 512, 512}));
  bench.close();
  bench.world().fs().drop_caches();
  bench.allow({Method::kPunch, Method::kZeroinit});
  EXPECT_EQ(bench.plan(file, {{4096, 4096}}).plan->method, Method::kPunch) << "what can be done is done";
}

TEST_P(RepairRefusal, SpaceThatIsOnlyPreallocated) {
  RepairBench bench(plain_world(GetParam()));
  FileModel& file = bench.file("unwritten");
  bench.world().medium().poison(bench.world().device_range(file, {4096, 512}));
  expect_blocked(bench, file, {4096, 512}, "preallocated");
}

TEST_P(RepairRefusal, AColdFileThatSomebodyHasOpen) {
  RepairBench bench(plain_world(GetParam()));
  const FileModel& file = bench.file("owned");
  bench.world().poison(file, {4096, 512});
  const std::string path = bench.world().tree().path(file);
  UniqueFd fd = must(open_file(path, O_RDONLY));
  Child holder({"sleep", "1000"}, {.descriptors = {{fd.get(), 9}}});
  fd.reset();
  expect_blocked(bench, file, {4096, 512}, "(sleep)");
  holder.kill();
}

TEST_P(RepairRefusal, TheMediumOfALoopDevice) {
  RepairBench bench(plain_world(GetParam()));
  const FileModel& file = bench.file("owned");
  bench.world().poison_cached(file, {4096, 512});
  const LoopDevice loop(bench.world().tree().path(file));
  expect_blocked(bench, file, {4096, 512}, loop.name());
}

TEST_P(RepairRefusal, AProgramThatIsRunning) {
  WorldOptions options = plain_world(GetParam());
  RepairBench bench(options);
  // Beside the model's files: the medium's own figure of the file is not compared.
  const std::string path = bench.world().fs().mount_point() + "/program";
  must_run({"cp", "/bin/sleep", path});
  Child program({path, "1000"});
  const std::string running = "/proc/" + std::to_string(program.pid()) + "/exe";
  ASSERT_TRUE(until(std::chrono::seconds(10), [&] { return std::filesystem::read_symlink(running) == path; }));
  FileModel file;
  file.names = {"program"};
  const UniqueFd fd = must(open_file(path, O_RDONLY));
  must_call(fsync(fd.get()), "fsync");
  file.extents = must(kernel::fiemap(fd.get()));
  bench.world().medium().poison(bench.world().device_range(file, {4096, 512}));
  bench.place();
  expect_blocked(bench, file, {4096, 512}, "running program");
  program.kill();
}

TEST_P(RepairRefusal, AFrozenFileSystemIsLeftAlone) {
  RepairBench bench(plain_world(GetParam()));
  const FileModel& file = bench.file("owned");
  bench.world().poison_cached(file, {4096, 512});
  const auto request = bench.repair_request(file, {{4096, 512}});
  bench.world().mark_trace();
  must_run({"fsfreeze", "-f", bench.world().fs().mount_point()});
  const auto told = bench.run(request);
  must_run({"fsfreeze", "-u", bench.world().fs().mount_point()});
  EXPECT_EQ(told.reply.outcome, Outcome::kBusyRetry);
  EXPECT_THAT(told.reply.reason, HasSubstr("frozen"));
  EXPECT_THAT(told.steps, IsEmpty());
  EXPECT_THAT(bench.world().stray_writes({}), IsEmpty());
}

TEST_P(RepairRefusal, AReadThatHangsIsNeitherGoodNorBad) {
  RepairBench bench(plain_world(GetParam()));
  const FileModel& file = bench.file("owned");
  bench.world().poison(file, {4096, 512});
  bench.place();
  repair::Place place = bench.place();
  place.read_limit = std::chrono::milliseconds(300);
  const ByteRange bad = bench.world().device_range(file, {4096, 512});
  bench.world().medium().gate("hold read " + std::to_string(bad.offset) + " " + std::to_string(bad.length));
  const auto reply = repair::plan_repair(place, bench.plan_request(file, {{4096, 512}}));
  bench.world().medium().gate("release");
  ASSERT_TRUE(reply.refusal.has_value());
  EXPECT_EQ(reply.refusal->state, RefusalState::kBlocked);
  EXPECT_THAT(reply.refusal->reason, ::testing::AnyOf(HasSubstr("no answer"), HasSubstr("stuck")));
}

INSTANTIATE_TEST_SUITE_P(Kernel, RepairRefusal, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return param_info.param == FsType::kXfs ? "xfs" : "ext4"; });

class SharedRefusal : public RepairRefusal {};

TEST_P(SharedRefusal, ExtentsOfSeveralFilesColdAndWarm) {
  RepairBench bench(plain_world(GetParam()));
  const FileModel& file = bench.file("shared/clone");
  bench.world().poison(file, {4096, 512});
  expect_blocked(bench, file, {4096, 512}, "shared");
  bench.close();
  bench.world().medium().unpoison(bench.world().device_range(file, {4096, 512}));
  bench.world().poison_cached(file, {8192, 512});
  expect_blocked(bench, file, {8192, 512}, "shared");
}

INSTANTIATE_TEST_SUITE_P(Kernel, SharedRefusal, ::testing::Values(FsType::kXfs),
                         [](const auto&) { return std::string("xfs"); });

}  // namespace
}  // namespace pmend::world
