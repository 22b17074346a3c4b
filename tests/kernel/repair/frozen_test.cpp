// SPDX-License-Identifier: Apache-2.0
// What no write through a file reaches, written on the device under a freeze.
#include "kernel/kernel_test.hpp"
#include "kernel/repair/bench.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/kernel/getfsmap.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace pmend::world {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::uint64_t total_bytes(const LossManifest& manifest) {
  std::uint64_t total = 0;
  for (const ManifestRange& lost : manifest.lost) {
    total += lost.device_range.length;
  }
  return total;
}

class FrozenWrite : public KernelTest, public ::testing::WithParamInterface<FsType> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (!IsSkipped()) {
      bench_.emplace(plain_world(GetParam()));
      bench_->methods = {Method::kRedirty, Method::kRewrite, Method::kFrozenWrite};
    }
  }

  protocol::PlanReply plan(const std::vector<ByteRange>& device_ranges) {
    const repair::Place& place = bench_->place();
    return repair::plan_repair(place, bench_->request_for(device_ranges));
  }

  // Repairs these bad bytes of the device and expects that all is as the manifest says.
  RepairBench::Told repair(const std::vector<ByteRange>& device_ranges) {
    const auto reply = plan(device_ranges);
    if (!reply.plan) {
      throw Failure("no plan: " + reply.refusal->reason);
    }
    EXPECT_EQ(reply.plan->method, Method::kFrozenWrite);
    bench_->world().mark_trace();
    auto told = bench_->run(bench_->repair_request(reply));
    EXPECT_EQ(told.reply.outcome, Outcome::kSucceeded) << told.reply.reason;
    EXPECT_TRUE(told.reply.proof && told.reply.proof->read_back && told.reply.proof->badblocks_clear);
    EXPECT_THAT(bench_->world().stray_writes(device_ranges), IsEmpty());
    EXPECT_THAT(bench_->world().medium().poisoned(), IsEmpty());
    bench_->close();
    return told;
  }

  // A page in the middle of the largest free space.
  ByteRange free_page() {
    const UniqueFd mount = must(open_file(world().fs().mount_point(), O_RDONLY | O_DIRECTORY));
    ByteRange largest;
    for (const kernel::FsmapRecord& record : must(kernel::getfsmap(mount.get(), {0, world().medium().size_bytes()}))) {
      if (record.is_free() && record.length > largest.length) {
        largest = record.device_range();
      }
    }
    return round_out({largest.offset + largest.length / 2, 512}, 4096);
  }
  void fill_free_space() {
    const UniqueFd filler = must(open_file(world().fs().mount_point() + "/filler", O_RDWR | O_CREAT));
    struct statvfs space {};
    must_call(fstatvfs(filler.get(), &space), "fstatvfs");
    must_call(fallocate(filler.get(), 0, 0, static_cast<off_t>(space.f_bavail * space.f_bsize * 9 / 10)), "fallocate");
    must_call(fsync(filler.get()), "fsync");
  }

  World& world() { return bench_->world(); }
  std::optional<RepairBench> bench_;
};

TEST_P(FrozenWrite, AColdFileThatSomebodyHasOpen) {
  FileModel& file = bench_->file("owned");
  const ByteRange bad = world().device_range(file, {4096, 512});
  world().poison(file, {4096, 512});
  const UniqueFd user = must(open_file(world().tree().path(file), O_RDWR));
  const auto told = repair({bad});
  bench_->declare_lost(file, told.reply.manifest);
  EXPECT_EQ(total_bytes(told.reply.manifest), 512U);
  EXPECT_THAT(world().compare(), IsEmpty());
}

TEST_P(FrozenWrite, AWriteBesideTheBadSectorWhoseWriteBackFailedStaysInThePageCache) {
  FileModel& file = bench_->file("owned");
  const ByteRange bad = world().device_range(file, {4096 + 512, 512});
  world().poison_cached(file, {4096 + 512, 512});
  const std::vector<std::byte> newer(700, std::byte{'N'});
  const UniqueFd fd = must(open_file(world().tree().path(file), O_RDWR));
  must(write_exactly(fd.get(), newer, 4096 + 2100));
  EXPECT_EQ(fsync(fd.get()), -1);
  bench_->tell_of_failed_writes();
  bench_->allow({Method::kFrozenWrite});
  const auto told = repair({bad});
  EXPECT_EQ(total_bytes(told.reply.manifest), 0U);
  std::vector<std::byte> cached(newer.size());
  EXPECT_EQ(pread(fd.get(), cached.data(), cached.size(), 4096 + 2100), static_cast<ssize_t>(cached.size()));
  EXPECT_EQ(cached, newer);
}

TEST_P(FrozenWrite, AColdFileWithCapabilities) {
  FileModel& file = bench_->file("capable");
  const ByteRange bad = world().device_range(file, {4096, 512});
  world().poison(file, {4096, 512});
  bench_->declare_lost(file, repair({bad}).reply.manifest);
  EXPECT_THAT(world().compare(), IsEmpty());
}

TEST_P(FrozenWrite, AColdTail) {
  FileModel& file = bench_->file("tail");
  const ByteRange bad = world().device_range(file, {3 * 4096 + 1536, 512});
  world().poison(file, {3 * 4096 + 1536, 512});
  bench_->declare_lost(file, repair({bad}).reply.manifest);
  EXPECT_THAT(world().compare(), IsEmpty());
}

TEST_P(FrozenWrite, AnImmutableFileColdAndCached) {
  FileModel& file = bench_->file("owned");
  set_immutable(world().tree().path(file), true);
  const ByteRange cold = world().device_range(file, {4096, 512});
  world().poison(file, {4096, 512});
  const auto told = repair({cold});
  bench_->declare_lost(file, told.reply.manifest);
  const ByteRange cached = world().device_range(file, {8192, 512});
  world().poison_cached(file, {8192, 512});
  EXPECT_EQ(total_bytes(repair({cached}).reply.manifest), 0U);
  set_immutable(world().tree().path(file), false);
  EXPECT_THAT(world().compare(), IsEmpty());
}

TEST_P(FrozenWrite, PreallocatedSpace) {
  FileModel& file = bench_->file("unwritten");
  const ByteRange bad = world().device_range(file, {4096, 512});
  world().medium().poison(bad);
  EXPECT_EQ(total_bytes(repair({bad}).reply.manifest), 0U);
  EXPECT_THAT(world().compare(), IsEmpty());
}

TEST_P(FrozenWrite, FreeSpace) {
  const ByteRange bad{free_page().offset + 512, 512};
  world().medium().poison(bad);
  EXPECT_EQ(total_bytes(repair({bad}).reply.manifest), 0U);
  EXPECT_THAT(world().compare(), IsEmpty());
}

TEST_P(FrozenWrite, FreeSpaceThatIsTakenMeanwhileIsLeftAlone) {
  const ByteRange bad{free_page().offset, 512};
  world().medium().poison(bad);
  const auto request = bench_->repair_request(plan({bad}));
  bench_->close();
  fill_free_space();
  world().mark_trace();
  const auto told = bench_->run(request);
  EXPECT_EQ(told.reply.outcome, Outcome::kTargetChanged) << told.reply.reason;
  EXPECT_THAT(world().stray_writes({}), IsEmpty());
}

TEST_P(FrozenWrite, FreeSpaceThatIsTakenJustBeforeTheFreezeIsLeftAlone) {
  const std::string log = world().directory() + "/boundaries";
  const std::string token = world().directory() + "/token";
  const ByteRange first{free_page().offset, 512};
  world().medium().poison(first);
  bench_->start(bench_->repair_request(plan({first})), repair::JobKind::kRepair, {{"PMEND_BOUNDARY_LOG", log}})
      .wait_for_reply();
  int number = 0;
  std::ifstream lines(log);
  for (std::string line; number == 0 && std::getline(lines, line);) {
    if (line.starts_with("repair ") && line.find("frozen-write: before the freeze") != std::string::npos) {
      number = std::stoi(line.substr(std::string_view("repair ").size()));
    }
  }
  ASSERT_GT(number, 0);
  const ByteRange bad{first.offset + 4096, 512};
  world().medium().poison(bad);
  std::ofstream(token).flush();
  auto worker = bench_->start(bench_->repair_request(plan({bad})), repair::JobKind::kRepair,
                              {{"PMEND_STOP_AT", "repair:" + std::to_string(number)}, {"PMEND_BOUNDARY_TOKEN", token}});
  ASSERT_TRUE(worker.wait_for_stop());
  fill_free_space();
  world().mark_trace();
  worker.resume();
  const auto reply = worker.wait_for_reply();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->outcome, Outcome::kTargetChanged) << reply->reason;
  EXPECT_THAT(world().stray_writes({}), IsEmpty());
}

TEST_P(FrozenWrite, ARunningProgramColdAndCached) {
  const std::string path = world().fs().mount_point() + "/program";
  must_run({"cp", "/bin/sleep", path});
  Child program({path, "1000"});
  FileModel file;
  file.names = {"program"};
  const UniqueFd fd = must(open_file(path, O_RDONLY));
  must_call(fsync(fd.get()), "fsync");
  file.extents = must(kernel::fiemap(fd.get()));
  const ByteRange bad = world().device_range(file, {4096, 512});
  world().medium().poison(bad);
  EXPECT_EQ(total_bytes(repair({bad}).reply.manifest), 0U);
  must_run({"cmp", "/bin/sleep", path});
  program.kill();
}

INSTANTIATE_TEST_SUITE_P(Kernel, FrozenWrite, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return param_info.param == FsType::kXfs ? "xfs" : "ext4"; });

class FrozenShared : public FrozenWrite {};

TEST_P(FrozenShared, AColdExtentOfSeveralFiles) {
  FileModel& file = bench_->file("shared/clone");
  FileModel& source = bench_->file("shared/original");
  const ByteRange bad = world().device_range(file, {4096, 512});
  world().poison(file, {4096, 512});
  const auto told = repair({bad});
  EXPECT_EQ(total_bytes(told.reply.manifest), 1024U);
  file.zeros.insert({4096, 512});
  source.zeros.insert({4096, 512});
  EXPECT_THAT(world().compare(), IsEmpty());
}

TEST_P(FrozenShared, CachedByAllOrBySome) {
  FileModel& file = bench_->file("shared/clone");
  FileModel& source = bench_->file("shared/original");
  world().read_whole(source);
  world().poison_cached(file, {4096, 512});
  const ByteRange bad = world().device_range(file, {4096, 512});
  EXPECT_EQ(total_bytes(repair({bad}).reply.manifest), 0U);
  EXPECT_THAT(world().compare(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernel, FrozenShared, ::testing::Values(FsType::kXfs),
                         [](const auto&) { return std::string("xfs"); });

}  // namespace
}  // namespace pmend::world
