// SPDX-License-Identifier: Apache-2.0
// The page cache in all its states, under a repair.
#include "kernel/kernel_test.hpp"
#include "kernel/repair/bench.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

namespace pmend::world {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RepairCache : public KernelTest, public ::testing::WithParamInterface<FsType> {
 protected:
  static std::vector<ByteRange> unit_ranges(const Plan& plan) {
    std::vector<ByteRange> ranges;
    for (const PlannedUnit& planned : plan.units) {
      ranges.push_back(planned.unit.device_range);
    }
    return ranges;
  }
};

TEST_P(RepairCache, AWarmTailAndWarmCapabilitiesAreKept) {
  RepairBench bench(plain_world(GetParam()));
  bench.world().medium().set_mode("write=clear");
  std::vector<ByteRange> units;
  for (const auto& [name, range] :
       {std::pair("tail", ByteRange{3 * 4096 + 1536, 512}), std::pair("capable", ByteRange{4096, 512})}) {
    SCOPED_TRACE(name);
    const FileModel& file = bench.file(name);
    bench.world().poison_cached(file, range);
    const auto request = bench.repair_request(file, {range});
    for (const ByteRange& unit : unit_ranges(request.plan)) {
      units.push_back(unit);
    }
    const auto told = bench.run(request);
    EXPECT_EQ(told.reply.outcome, Outcome::kSucceeded) << told.reply.reason;
  }
  EXPECT_THAT(bench.world().compare(), IsEmpty());
  EXPECT_THAT(bench.world().stray_writes(units), IsEmpty());
}

TEST_P(RepairCache, OfALargeFolioOnlyThePageIsWritten) {
  WorldOptions options = plain_world(GetParam());
  options.standard_files = false;
  RepairBench bench(options);
  FileModel& file = bench.world().tree().add_file("large", 1U << 20U);
  bench.world().settle();
  bench.world().medium().set_mode("write=clear");
  // Written in one go, which makes a large folio, and never dropped from the cache.
  std::vector<std::byte> content(file.size);
  file.expected_bytes(content, 0);
  const UniqueFd fd = must(open_file(bench.world().tree().path(file), O_WRONLY));
  must(write_exactly(fd.get(), content, 0));
  must_call(fsync(fd.get()), "fsync");
  bench.world().medium().poison(bench.world().device_range(file, {409600, 512}));
  bench.world().mark_trace();
  const auto request = bench.repair_request(file, {{409600, 512}});
  EXPECT_THAT(unit_ranges(request.plan), ElementsAre(bench.world().device_range(file, {409600, 4096})));
  const auto told = bench.run(request);
  EXPECT_EQ(told.reply.outcome, Outcome::kSucceeded) << told.reply.reason;
  EXPECT_THAT(bench.world().compare(), IsEmpty());
  EXPECT_THAT(bench.world().stray_writes(unit_ranges(request.plan)), IsEmpty());
}

TEST_P(RepairCache, BytesThatOnlyTheCacheHasReachTheMedium) {
  // A write over the bad sector whose write-back failed: the page is clean, and the only copy.
  RepairBench bench(plain_world(GetParam()));
  FileModel& file = bench.file("owned");
  bench.world().poison_cached(file, {4096 + 512, 512});
  const std::vector<std::byte> newer(700, std::byte{'N'});
  {
    const UniqueFd fd = must(open_file(bench.world().tree().path(file), O_WRONLY));
    must(write_exactly(fd.get(), newer, 4096 + 1500));
    EXPECT_EQ(fsync(fd.get()), -1);
  }
  file.patches[4096 + 1500] = newer;
  bench.world().medium().set_mode("write=clear");
  const auto request = bench.repair_request(file, {{4096 + 512, 512}});
  EXPECT_EQ(request.plan.method, Method::kRedirty);
  const auto told = bench.run(request);
  EXPECT_EQ(told.reply.outcome, Outcome::kSucceeded) << told.reply.reason;
  bench.close();
  bench.tell_of_failed_writes();
  bench.world().fs().drop_caches();
  EXPECT_THAT(bench.world().compare(), IsEmpty());
}

TEST_P(RepairCache, AFileThatFailedToBeReadIsRewrittenThoughItsFolioIsInTheCache) {
  WorldOptions options = plain_world(GetParam());
  options.standard_files = false;
  RepairBench bench(options);
  FileModel& file = bench.world().tree().add_file("read", 2U << 20U);
  bench.world().settle();
  bench.world().medium().set_mode("write=clear");
  bench.world().poison(file, {(1U << 20U) + 512, 512});
  // Read-ahead makes large folios; the one with the bad sector stays in the cache without being valid.
  (void)run_command({"cat", bench.world().tree().path(file)});
  const auto request = bench.repair_request(file, {{(1U << 20U) + 512, 512}});
  EXPECT_EQ(request.plan.method, Method::kRewrite);
  const auto told = bench.run(request);
  EXPECT_EQ(told.reply.outcome, Outcome::kSucceeded) << told.reply.reason;
  bench.declare_lost(file, told.reply.manifest);
  EXPECT_THAT(bench.world().compare(), IsEmpty());
  EXPECT_THAT(bench.world().stray_writes(unit_ranges(request.plan)), IsEmpty());
}

TEST_P(RepairCache, APageWrittenIntoAnInvalidFolioIsNeverDropped) {
  WorldOptions options = plain_world(GetParam());
  options.standard_files = false;
  RepairBench bench(options);
  FileModel& file = bench.world().tree().add_file("read", 2U << 20U);
  bench.world().settle();
  const std::uint64_t bad = 1U << 20U;
  bench.world().poison(file, {bad + 512, 512});
  (void)run_command({"cat", bench.world().tree().path(file)});
  // A whole block over the bad one, which the medium refuses.
  const std::vector<std::byte> newer(4096, std::byte{'N'});
  {
    const UniqueFd fd = must(open_file(bench.world().tree().path(file), O_WRONLY));
    must(write_exactly(fd.get(), newer, bad));
    EXPECT_EQ(fsync(fd.get()), -1);
  }
  bench.world().medium().set_mode("write=clear");
  const auto reply = bench.plan(file, {{bad + 512, 512}});
  if (reply.plan) {
    EXPECT_EQ(reply.plan->method, Method::kRedirty);
    EXPECT_EQ(bench.run(bench.repair_request(file, {{bad + 512, 512}})).reply.outcome, Outcome::kSucceeded);
  } else {
    EXPECT_EQ(reply.refusal->state, RefusalState::kBlocked) << reply.refusal->reason;
  }
  std::vector<std::byte> now(4096);
  const UniqueFd fd = must(open_file(bench.world().tree().path(file), O_RDONLY));
  must(read_exactly(fd.get(), now, bad));
  EXPECT_EQ(now, newer);
}

TEST_P(RepairCache, StoresOfAFileInUseAreNotLost) {
  RepairBench bench(plain_world(GetParam()));
  bench.world().medium().set_mode("write=clear");
  const FileModel& file = bench.file("owned");
  const UniqueFd fd = must(open_file(bench.world().tree().path(file), O_RDWR));
  void* mapped = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 4096);
  ASSERT_NE(mapped, MAP_FAILED);
  // The first word of the page is the one that redirty exchanges for itself.
  auto* counter = static_cast<std::uint32_t*>(mapped);
  __atomic_store_n(counter, 0, __ATOMIC_RELAXED);
  std::atomic<bool> stop = false;
  std::uint32_t stores = 0;
  std::thread user([&] {
    while (!stop) {
      __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
      ++stores;
    }
  });
  for (int i = 0; i < 5; ++i) {
    bench.world().medium().poison(bench.world().device_range(file, {4096 + 1024, 512}));
    const auto reply = bench.plan(file, {{4096 + 1024, 512}});
    if (!reply.plan) {
      continue;  // a write-back of the user's stores was faster
    }
    const auto told = bench.run(bench.repair_request(file, {{4096 + 1024, 512}}));
    EXPECT_THAT(told.reply.outcome, ::testing::AnyOf(Outcome::kSucceeded, Outcome::kIndeterminate,
                                                     Outcome::kTargetChanged, Outcome::kUnnecessary))
        << told.reply.reason;
  }
  stop = true;
  user.join();
  EXPECT_EQ(__atomic_load_n(counter, __ATOMIC_RELAXED), stores);
  munmap(mapped, 4096);
  EXPECT_THAT(bench.world().medium().poisoned(), IsEmpty());
}

TEST_P(RepairCache, ModificationTimeGoesBackOnlyWhereItIsSurelyOurs) {
  RepairBench bench(plain_world(GetParam()));
  bench.world().medium().set_mode("write=clear");
  const FileModel& file = bench.file("owned");
  const std::string path = bench.world().tree().path(file);
  const timespec old[2] = {{1'000'000'000, 1}, {1'000'000'000, 123'456'789}};
  must_call(utimensat(AT_FDCWD, path.c_str(), old, 0), "utimensat");
  const auto modified = [&path] {
    struct stat status = {};
    must_call(stat(path.c_str(), &status), "stat");
    return status.st_mtim.tv_sec;
  };
  bench.world().poison_cached(file, {4096, 512});
  auto told = bench.run(bench.repair_request(file, {{4096, 512}}));
  EXPECT_EQ(told.reply.outcome, Outcome::kSucceeded);
  EXPECT_EQ(told.steps.back().kind, StepKind::kTimes);
  EXPECT_EQ(modified(), 1'000'000'000);
  // In use: nobody can say whose the time is.
  const UniqueFd user = must(open_file(path, O_RDWR));
  bench.world().poison_cached(file, {8192, 512});
  told = bench.run(bench.repair_request(file, {{8192, 512}}));
  EXPECT_EQ(told.reply.outcome, Outcome::kSucceeded) << told.reply.reason;
  EXPECT_NE(told.steps.back().kind, StepKind::kTimes);
  EXPECT_NE(modified(), 1'000'000'000);
}

TEST_P(RepairCache, ALargerLogicalBlockIsLostAndRewrittenAsAWhole) {
  WorldOptions options = plain_world(GetParam());
  options.loop.block_bytes = 4096;
  RepairBench bench(options);
  bench.world().medium().set_mode("write=clear");
  FileModel& file = bench.file("owned");
  bench.world().poison(file, {4096 + 512, 512});
  const auto request = bench.repair_request(file, {{4096 + 512, 512}});
  const auto told = bench.run(request);
  EXPECT_EQ(told.reply.outcome, Outcome::kSucceeded) << told.reply.reason;
  bench.declare_lost(file, told.reply.manifest);
  EXPECT_EQ(file.zeros.common({4096, 4096}), std::vector({ByteRange{4096, 4096}}));
  EXPECT_THAT(bench.world().compare(), IsEmpty());
}

TEST_P(RepairCache, LossIsDeclaredAlsoWhereTheListProvesNothing) {
  RepairBench bench(plain_world(GetParam()));
  bench.world().medium().set_mode("write=clear");
  FileModel& file = bench.file("owned");
  bench.world().poison(file, {4096, 512});
  bench.cut_list();
  const auto told = bench.run(bench.repair_request(file, {{4096, 512}}));
  EXPECT_EQ(told.reply.outcome, Outcome::kIndeterminate);
  EXPECT_EQ(told.reply.manifest.lost.size(), 1U);
  bench.declare_lost(file, told.reply.manifest);
  EXPECT_THAT(bench.world().compare(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernel, RepairCache, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return param_info.param == FsType::kXfs ? "xfs" : "ext4"; });

}  // namespace
}  // namespace pmend::world
