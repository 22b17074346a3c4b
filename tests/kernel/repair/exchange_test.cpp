// SPDX-License-Identifier: Apache-2.0
// Files that get a new block for a bad one, on XFS that can exchange pieces of files.
#include "kernel/repair/exchange_world.hpp"
#include "pmend/model/range_list.hpp"
#include "pmend/repair/quarantine.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

namespace pmend::world {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr std::size_t kMapped = 4UL * 4096;    // a small file
constexpr std::uint64_t kBusyAt = 4UL * 4096;  // where somebody writes all the time

struct stat status_of(RepairBench& bench, const FileModel& file) {
  struct stat status = {};
  must_call(stat(bench.world().tree().path(file).c_str(), &status), "stat");
  return status;
}

// A donor that nobody used: healthy blocks, of a job that nobody knows.
Status write_text(const std::string& path) {
  const auto file = open_file(path, O_WRONLY | O_CREAT);
  return file ? write_exactly(file->get(), std::vector<std::byte>(4096, std::byte{'D'}), 0)
              : Status(tl::make_unexpected(file.error()));
}

// Where the file system puts the next file of the quarantine: where it put one that is gone.
ByteRange next_free_block(RepairBench& bench) {
  const std::string directory = bench.world().fs().mount_point() + "/" + repair::kQuarantineName;
  std::filesystem::create_directories(directory);
  std::filesystem::permissions(directory, std::filesystem::perms(0700));
  must(write_text(directory + "/probe"));
  bench.world().fs().sync();
  const auto extents = must(kernel::fiemap(must(open_file(directory + "/probe", O_RDONLY)).get()));
  std::filesystem::remove(directory + "/probe");
  bench.close();
  bench.world().fs().drop_caches();
  return extents.front().device_range();
}

// What a person or the observer would ask of the file that keeps the bad block.
protocol::PlanReply plan_for_kept(RepairBench& bench, const Plan& done) {
  const std::string path =
      bench.world().fs().mount_point() + "/" + repair::kQuarantineName + "/" + quarantined(bench).front();
  FileModel donor;
  donor.names = {path.substr(bench.world().fs().mount_point().size() + 1)};
  const UniqueFd fd = must(open_file(path, O_RDONLY));
  donor.extents = must(kernel::fiemap(fd.get()));
  EXPECT_EQ(donor.extents.front().device_range(), done.units.front().unit.device_range);
  return bench.plan(donor, {{0, 4096}});
}

class Exchange : public ExchangeTest, public ::testing::WithParamInterface<std::string> {
 protected:
  bool clears() const { return GetParam() == "clear"; }

  // All that is true after a repair, whatever the medium: the file is whole, and the bad block is cleared or kept.
  void expect_healed(RepairBench& bench, const protocol::RepairRequest& request, const RepairBench::Told& told) {
    EXPECT_EQ(request.plan.method, Method::kExchange);
    EXPECT_EQ(told.reply.outcome, Outcome::kSucceeded) << told.reply.reason;
    ASSERT_TRUE(told.reply.proof.has_value());
    EXPECT_TRUE(told.reply.proof->read_back);
    EXPECT_TRUE(told.reply.proof->neighbours_unchanged);
    EXPECT_TRUE(told.reply.proof->attributes_unchanged);
    EXPECT_EQ(told.reply.proof->badblocks_clear, clears());
    const auto touched = take_exchange(bench, request.plan);
    if (clears()) {
      EXPECT_THAT(bench.world().medium().poisoned(), IsEmpty());
      EXPECT_THAT(quarantined(bench), IsEmpty());
      EXPECT_THAT(told.reply.reason, Not(HasSubstr("quarantine")));
    } else {
      ASSERT_THAT(quarantined(bench), SizeIs(1));
      EXPECT_THAT(told.reply.reason, HasSubstr(quarantined(bench).front()));
      const auto kept = plan_for_kept(bench, request.plan);
      ASSERT_TRUE(kept.refusal.has_value());
      EXPECT_THAT(kept.refusal->reason, HasSubstr("kept in quarantine"));
    }
    EXPECT_THAT(wrong_beside_quarantine(bench), IsEmpty());
    EXPECT_THAT(bench.world().stray_writes(touched), IsEmpty());
  }
};

TEST_P(Exchange, AColdFileThatSomebodyHasOpen) {
  RepairBench bench(exchange_world());
  bench.allow(exchange_methods());
  bench.world().medium().set_mode("write=" + GetParam());
  FileModel& file = bench.file("owned");
  bench.world().poison(file, {4096 + 1024, 512});
  const UniqueFd user = must(open_file(bench.world().tree().path(file), O_RDWR));
  bench.world().mark_trace();
  const auto request = bench.repair_request(file, {{4096 + 1024, 512}});
  EXPECT_EQ(request.plan.units.front().unit.sectors, "ggLggggg");
  EXPECT_EQ(total_bytes(request.plan.lost), 512U);
  const auto told = bench.run(request);
  bench.declare_lost(file, told.reply.manifest);
  expect_healed(bench, request, told);
}

TEST_P(Exchange, AColdFileThatSomebodyHasMapped) {
  RepairBench bench(exchange_world());
  bench.allow(exchange_methods());
  bench.world().medium().set_mode("write=" + GetParam());
  FileModel& file = bench.file("owned");
  bench.world().poison(file, {4096 + 1024, 512});
  UniqueFd user = must(open_file(bench.world().tree().path(file), O_RDWR));
  void* mapped = mmap(nullptr, kMapped, PROT_READ | PROT_WRITE, MAP_SHARED, user.get(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  user.reset();
  const auto request = bench.repair_request(file, {{4096 + 1024, 512}});
  const auto told = bench.run(request);
  bench.declare_lost(file, told.reply.manifest);
  // The mapping that was there before shows the new block.
  EXPECT_EQ(static_cast<const char*>(mapped)[4096 + 1024], 0);
  munmap(mapped, kMapped);
  expect_healed(bench, request, told);
}

TEST_P(Exchange, ALastBlockKeepsItsLength) {
  RepairBench bench(exchange_world());
  bench.allow(exchange_methods());
  bench.world().medium().set_mode("write=" + GetParam());
  FileModel& file = bench.file("tail");
  bench.world().poison(file, {3 * 4096 + 1024, 3072});  // also behind the end of the file
  const auto request = bench.repair_request(file, {{3 * 4096 + 1024, 3072}});
  EXPECT_EQ(total_bytes(request.plan.lost), 1024U);  // up to the last sector that holds data
  const auto told = bench.run(request);
  ASSERT_THAT(told.reply.manifest.lost, SizeIs(1));
  EXPECT_EQ(told.reply.manifest.lost[0].device_range, request.plan.lost[0]);
  bench.declare_lost(file, told.reply.manifest);
  expect_healed(bench, request, told);
}

TEST_P(Exchange, ASharedExtentForEachOfItsFiles) {
  RepairBench bench(exchange_world());
  bench.allow(exchange_methods());
  bench.world().medium().set_mode("write=" + GetParam());
  FileModel& clone = bench.file("shared/clone");
  bench.world().poison(clone, {3 * 4096 + 512, 512});
  const auto request = bench.repair_request(clone, {{3 * 4096 + 512, 512}});
  EXPECT_THAT(request.plan.units.front().mappings, SizeIs(2));
  const auto told = bench.run(request);
  EXPECT_THAT(told.reply.manifest.lost, SizeIs(2));
  clone.zeros.insert({3 * 4096 + 512, 512});
  bench.file("shared/original").zeros.insert({3 * 4096 + 512, 512});
  expect_healed(bench, request, told);
}

TEST_P(Exchange, WhatTheCacheHasIsNotLostWhereNothingMayBeWrittenBack) {
  RepairBench bench(exchange_world());
  bench.allow({Method::kExchange});
  bench.world().medium().set_mode("write=" + GetParam());
  const FileModel& file = bench.file("owned");
  bench.world().poison_cached(file, {4096 + 1024, 512});
  const struct stat before = status_of(bench, file);
  const auto request = bench.repair_request(file, {{4096 + 1024, 512}});
  EXPECT_EQ(request.plan.units.front().unit.sectors, "ggCggggg");
  EXPECT_THAT(request.plan.lost, IsEmpty());
  const auto told = bench.run(request);
  expect_healed(bench, request, told);
  EXPECT_EQ(status_of(bench, file).st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

TEST_P(Exchange, SeveralPlacesOfAFileInOneJob) {
  RepairBench bench(exchange_world(false));
  FileModel& file = bench.world().tree().add_file("large", 1U << 20U);
  bench.world().settle();
  bench.allow(exchange_methods());
  bench.world().medium().set_mode("write=" + GetParam());
  const std::vector<ByteRange> bad = {{4096, 8192}, {64 * 4096 + 512, 512}};
  for (const ByteRange& range : bad) {
    bench.close();
    bench.world().poison(file, range);
  }
  const UniqueFd user = must(open_file(bench.world().tree().path(file), O_RDONLY));
  bench.world().mark_trace();
  const auto request = bench.repair_request(file, bad);
  EXPECT_THAT(request.plan.units, SizeIs(2));
  const auto told = bench.run(request);
  EXPECT_EQ(told.reply.outcome, Outcome::kSucceeded) << told.reply.reason;
  bench.declare_lost(file, told.reply.manifest);
  const auto touched = take_exchange(bench, request.plan);
  EXPECT_THAT(quarantined(bench), SizeIs(clears() ? 0 : 2));
  EXPECT_THAT(wrong_beside_quarantine(bench), IsEmpty());
  EXPECT_THAT(bench.world().stray_writes(touched), IsEmpty());
}

TEST_P(Exchange, BytesThatOnlyAPartOfThePageCacheHasAreSaved) {
  RepairBench bench(exchange_world(false));
  FileModel& file = bench.world().tree().add_file("read", 2U << 20U);
  bench.world().settle();
  bench.allow(exchange_methods());
  bench.world().medium().set_mode("write=eio");
  const std::uint64_t bad = 1U << 20U;
  bench.world().poison(file, {bad + 512, 512});
  (void)run_command({"cat", bench.world().tree().path(file)});
  // A whole block over the bad one, which the medium refuses, in a folio that failed to be read.
  const std::vector<std::byte> newer(4096, std::byte{'N'});
  const UniqueFd user = must(open_file(bench.world().tree().path(file), O_RDWR));
  must(write_exactly(user.get(), newer, bad));
  EXPECT_EQ(fsync(user.get()), -1);
  bench.allow({Method::kExchange});
  bench.world().medium().set_mode("write=" + GetParam());
  const auto request = bench.repair_request(file, {{bad + 512, 512}});
  EXPECT_THAT(request.plan.lost, IsEmpty());
  const auto told = bench.run(request);
  EXPECT_EQ(told.reply.outcome, Outcome::kSucceeded) << told.reply.reason;
  take_exchange(bench, request.plan);
  file.patches[bad] = newer;
  bench.close();
  bench.tell_of_failed_writes();
  EXPECT_THAT(wrong_beside_quarantine(bench), IsEmpty());
}

TEST_P(Exchange, AFileOfAFileSystemThatNamesNoOwners) {
  WorldOptions options = exchange_world();
  options.fs.rmapbt = false;
  RepairBench bench(options);
  bench.allow(exchange_methods());
  bench.world().medium().set_mode("write=" + GetParam());
  FileModel& file = bench.file("owned");
  bench.world().poison(file, {4096 + 1024, 512});
  const UniqueFd user = must(open_file(bench.world().tree().path(file), O_RDWR));
  const auto request = bench.repair_request(file, {{4096 + 1024, 512}});
  const auto told = bench.run(request);
  bench.declare_lost(file, told.reply.manifest);
  expect_healed(bench, request, told);
}

// A store through a mapping changes no time as long as its page is dirty.
TEST_P(Exchange, StoresThroughAMappingOfTheVeryPageAreNotLost) {
  RepairBench bench(exchange_world());
  bench.world().medium().set_mode("write=" + GetParam());
  FileModel& file = bench.file("owned");
  const UniqueFd fd = must(open_file(bench.world().tree().path(file), O_RDWR));
  void* mapped = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 4096);
  ASSERT_NE(mapped, MAP_FAILED);
  auto* counter = static_cast<std::uint32_t*>(mapped);
  __atomic_store_n(counter, 0, __ATOMIC_RELAXED);
  std::atomic<bool> stop = false;
  std::uint32_t stores = 0;
  // In bursts: a page that changes between its salvage and its exchange is left alone. On a busy machine that takes
  // longer.
  std::atomic<useconds_t> pause = 200'000;
  std::thread user([&] {
    while (!stop) {
      __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
      ++stores;
      usleep(stores % 50 == 0 ? pause.load() : 100);
    }
  });
  bench.allow({Method::kExchange});
  int exchanged = 0;
  for (int i = 0; i < (exchanged == 0 ? 40 : 10); ++i) {
    file.extents = must(kernel::fiemap(fd.get()));  // it moves
    bench.world().medium().poison(bench.world().device_range(file, {4096 + 1024, 512}));
    if (!bench.plan(file, {{4096 + 1024, 512}}).plan) {
      continue;  // a write-back of the user's stores was faster
    }
    const auto told = bench.run(bench.repair_request(file, {{4096 + 1024, 512}}));
    EXPECT_THAT(told.reply.outcome, AnyOf(Outcome::kSucceeded, Outcome::kBusyRetry, Outcome::kTargetChanged,
                                          Outcome::kUnnecessary, Outcome::kIndeterminate))
        << told.reply.reason;
    const auto is_exchange = [](const Step& step) {
      return step.kind == StepKind::kExchange && step.outcome == Outcome::kSucceeded;
    };
    exchanged += std::any_of(told.steps.begin(), told.steps.end(), is_exchange) ? 1 : 0;
    if (exchanged == 0 && !clears()) {
      pause = std::min<useconds_t>(pause * 2, 3'200'000);
    }
  }
  stop = true;
  user.join();
  EXPECT_EQ(__atomic_load_n(counter, __ATOMIC_RELAXED), stores);
  if (!clears()) {
    EXPECT_GT(exchanged, 0);
  }
  munmap(mapped, 4096);
}

TEST_P(Exchange, NewBlocksThatAreBadTooAreSetAside) {
  RepairBench bench(exchange_world());
  bench.allow(exchange_methods());
  bench.world().medium().set_mode("write=" + GetParam());
  FileModel& file = bench.file("owned");
  bench.world().poison(file, {4096 + 1024, 512});
  const ByteRange next = next_free_block(bench);
  const UniqueFd user = must(open_file(bench.world().tree().path(file), O_RDWR));
  bench.world().medium().poison(next);
  const auto request = bench.repair_request(file, {{4096 + 1024, 512}});
  const auto told = bench.run(request);
  EXPECT_EQ(told.reply.outcome, Outcome::kSucceeded) << told.reply.reason;
  bench.declare_lost(file, told.reply.manifest);
  take_exchange(bench, request.plan);
  EXPECT_THAT(quarantined(bench), Contains(StartsWith("free-")));
  EXPECT_THAT(wrong_beside_quarantine(bench), IsEmpty());
}

TEST_P(Exchange, WhatADeadWorkerLeftIsTakenAwayUnlessItHoldsABadBlock) {
  RepairBench bench(exchange_world());
  bench.allow(exchange_methods());
  bench.world().medium().set_mode("write=" + GetParam());
  FileModel& file = bench.file("owned");
  for (const std::uint64_t page : {1U, 2U}) {
    const ByteRange bad{page * 4096, 512};
    bench.close();
    bench.world().poison(file, bad);
    const UniqueFd user = must(open_file(bench.world().tree().path(file), O_RDWR));
    const std::string directory = bench.world().fs().mount_point() + "/" + repair::kQuarantineName;
    std::filesystem::create_directories(directory);
    std::filesystem::permissions(directory, std::filesystem::perms(0700));
    must(write_text(directory + "/inode-7-at-0.job-gone"));
    const auto request = bench.repair_request(file, {bad});
    const auto told = bench.run(request);
    EXPECT_EQ(told.reply.outcome, Outcome::kSucceeded) << told.reply.reason;
    bench.declare_lost(file, told.reply.manifest);
    take_exchange(bench, request.plan);
    EXPECT_TRUE(repair::release_spool(bench.spool_directory(), request.spool_key).has_value());
  }
  EXPECT_THAT(quarantined(bench), SizeIs(clears() ? 0 : 2));
  EXPECT_THAT(wrong_beside_quarantine(bench), IsEmpty());
}

TEST_P(Exchange, AFileThatIsWrittenToAllTheTime) {
  RepairBench bench(exchange_world(false));
  FileModel& file = bench.world().tree().add_file("busy", 16UL * 4096);
  bench.world().settle();
  bench.allow(exchange_methods());
  bench.world().medium().set_mode("write=" + GetParam());
  bench.world().poison(file, {4096, 512});
  const UniqueFd user = must(open_file(bench.world().tree().path(file), O_RDWR));
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (std::uint8_t i = 0; !stop; ++i) {
      must(write_exactly(user.get(), std::vector<std::byte>(4096, static_cast<std::byte>(i)), kBusyAt));
    }
  });
  const auto request = bench.repair_request(file, {{4096, 512}});
  const auto told = bench.run(request);
  stop = true;
  writer.join();
  EXPECT_THAT(told.reply.outcome, AnyOf(Outcome::kSucceeded, Outcome::kBusyRetry)) << told.reply.reason;
  std::vector<std::byte> last(4096);
  must(read_exactly(user.get(), last, kBusyAt));
  file.patches[kBusyAt] = last;
  if (told.reply.outcome == Outcome::kSucceeded) {
    bench.declare_lost(file, told.reply.manifest);
    take_exchange(bench, request.plan);
  } else {
    EXPECT_THAT(quarantined(bench), IsEmpty());
    file.unreadable.insert({4096, 512});
  }
  must_call(fsync(user.get()), "fsync");
  EXPECT_THAT(wrong_beside_quarantine(bench), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernel, Exchange, ::testing::Values("clear", "eio", "lie"),
                         [](const auto& param_info) { return param_info.param; });

}  // namespace
}  // namespace pmend::world
