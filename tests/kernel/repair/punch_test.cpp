// SPDX-License-Identifier: Apache-2.0
// The blocks of a bad unit are given back and the unit is written anew: the file is whole, and what is left of the bad
// block is told as it is.
#include "kernel/kernel_test.hpp"
#include "kernel/mutation.hpp"
#include "kernel/repair/bench.hpp"
#include "pmend/kernel/getfsmap.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

namespace pmend::world {
namespace {

using repair::JobKind;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr ByteRange kBadUnit{kVictimBad.offset / kVictimPage * kVictimPage, kVictimPage};

class Punch : public KernelTest, public ::testing::WithParamInterface<FsType> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (!IsSkipped()) {
      WorldOptions options;
      options.fs.type = GetParam();
      options.standard_files = false;
      bench_.emplace(options);
      bench_->world().tree().add_file("victim", kVictimBytes);
      bench_->world().tree().add_file("other", kVictimBytes);
      bench_->world().tree().add_file("tail", kVictimBytes - 100);
      bench_->world().settle();
      bench_->allow({Method::kRedirty, Method::kPunch});
      mode("write=clear");
    }
  }

  RepairBench& bench() { return *bench_; }
  FileModel& file() { return bench().file("victim"); }
  void mode(const std::string& words) { bench().world().medium().set_mode(words); }

  protocol::RepairRequest prepare() {
    bench().close();
    bench().world().poison(file(), kVictimBad);
    old_block_ = bench().world().device_range(file(), kBadUnit);
    return bench().repair_request(file(), {kVictimBad});
  }

  // The file is whole but for what was lost, wherever its blocks are, and nothing else was written.
  void expect_whole() {
    file().zeros.insert(kVictimBad);
    file().extents = must(kernel::fiemap(must(open_file(bench().world().tree().path(file()), O_RDONLY)).get()));
    EXPECT_THAT(bench().world().compare(), IsEmpty());
    EXPECT_THAT(bench().world().stray_writes({old_block_, bench().world().device_range(file(), kBadUnit)}), IsEmpty());
  }

  std::vector<ByteRange> free_space() {
    std::vector<ByteRange> free;
    const UniqueFd mount = must(open_file(bench().world().fs().mount_point(), O_RDONLY | O_DIRECTORY));
    for (const auto& record : must(kernel::getfsmap(mount.get(), {0, bench().world().medium().size_bytes()}))) {
      if (record.is_free()) {
        free.push_back(record.device_range());
      }
    }
    return free;
  }

  // As the file system says it.
  bool is_free(const ByteRange& device_range) {
    const UniqueFd mount = must(open_file(bench().world().fs().mount_point(), O_RDONLY | O_DIRECTORY));
    must_call(syncfs(mount.get()), "syncfs");
    const auto records = must(kernel::getfsmap(mount.get(), device_range));
    return std::all_of(records.begin(), records.end(), [](const auto& record) { return record.is_free(); });
  }

  RepairBench::Worker start_until(int n, const protocol::RepairRequest& request) {
    const std::string token = bench().world().directory() + "/token";
    std::ofstream(token).flush();
    return bench().start(request, JobKind::kRepair,
                         {{"PMEND_STOP_AT", "repair:" + std::to_string(n)}, {"PMEND_BOUNDARY_TOKEN", token}});
  }
  void kill_at(int n, const protocol::RepairRequest& request) {
    auto worker = start_until(n, request);
    ASSERT_TRUE(worker.wait_for_stop());
    worker.kill();
    EXPECT_FALSE(worker.wait_for_reply().has_value());
  }

  ByteRange old_block_;

 private:
  std::optional<RepairBench> bench_;
};

// Where in boundary.hpp's order these are passed.
constexpr int kBeforeTheHole = 7;
constexpr int kAfterTheHole = 8;

TEST_P(Punch, MakesTheFileWholeAndSaysWhereTheBadBlockIs) {
  const auto request = prepare();
  EXPECT_EQ(request.plan.method, Method::kPunch);
  ASSERT_EQ(request.plan.units.size(), 1U);
  EXPECT_EQ(request.plan.units[0].unit.device_range, old_block_) << "a whole block of the file system";
  EXPECT_EQ(std::ranges::count(request.plan.units[0].unit.sectors, kSectorLost), 1);
  bench().world().mark_trace();
  const auto told = bench().run(request);
  ASSERT_EQ(told.reply.outcome, Outcome::kSucceeded) << told.reply.reason;
  EXPECT_EQ(told.steps.front().kind, StepKind::kPunch);
  EXPECT_THAT(told.reply.manifest.lost, ::testing::SizeIs(1));
  expect_whole();
  const bool moved = bench().world().device_range(file(), kBadUnit) != old_block_;
  const bool listed = !bench().world().medium().poisoned().empty();
  std::printf("the block %s, the bad one is %s\n", moved ? "moved" : "is the same",
              listed ? "listed still" : "cleared");
  EXPECT_EQ(told.reply.proof->badblocks_clear, !listed);
  EXPECT_EQ(told.reply.proof->extents_before, told.reply.proof->extents_after) << "beside the unit";
  EXPECT_EQ(listed, moved);
  if (listed) {
    EXPECT_THAT(told.reply.reason, HasSubstr("free space"));
    EXPECT_TRUE(is_free(old_block_));
  } else {
    EXPECT_EQ(told.reply.reason, "");
  }
}

TEST_P(Punch, TheCacheIsWrittenBackInstead) {
  bench().close();
  bench().world().poison_cached(file(), kVictimBad);
  const auto request = bench().repair_request(file(), {kVictimBad});
  EXPECT_EQ(request.plan.method, Method::kRedirty);
  EXPECT_EQ(bench().run(request).reply.outcome, Outcome::kSucceeded);
  EXPECT_THAT(bench().world().compare(), IsEmpty());
}

TEST_P(Punch, IsNotChosenWhereALessIntrusiveMethodIsAllowed) {
  bench().allow({Method::kRedirty, Method::kRewrite, Method::kPunch});
  EXPECT_EQ(prepare().plan.method, Method::kRewrite);
}

TEST_P(Punch, NeverTouchesAFileInUseOrALastBlock) {
  bench().close();
  bench().world().poison(file(), kVictimBad);
  const FileModel& tail = bench().file("tail");
  const ByteRange last{kVictimBytes - 4096, 512};
  bench().world().poison(tail, last);
  const UniqueFd user = must(open_file(bench().world().tree().path(file()), O_RDWR));
  EXPECT_THAT(bench().plan(file(), {kVictimBad}).refusal.value().reason, HasSubstr("in use"));
  EXPECT_THAT(bench().plan(tail, {last}).refusal.value().reason, HasSubstr("longer"));
}

// Whatever block the file gets is bad too: where writing fails, and where that is a lie.
TEST_P(Punch, WhatAFailedWriteLeavesIsFinishedFromTheSpoolLater) {
  for (const char* words : {"write=eio", "write=lie"}) {
    SCOPED_TRACE(words);
    const auto request = prepare();
    mode(words);
    for (const ByteRange& free : free_space()) {
      bench().world().medium().poison(free);
    }
    const auto reply = bench().run(request).reply;
    EXPECT_EQ(reply.outcome, Outcome::kIndeterminate) << reply.reason;
    EXPECT_THAT(reply.reason, HasSubstr(request.spool_key));
    EXPECT_THAT(reply.manifest.lost, ::testing::SizeIs(1)) << "else it would be called clean";
    mode("write=clear");
    for (const ByteRange& free : free_space()) {  // else the list is too long for what it has to prove
      bench().world().medium().unpoison(free);
    }
    const auto resumed = bench().run(request, JobKind::kResume).reply;
    EXPECT_EQ(resumed.outcome, Outcome::kSucceeded) << resumed.reason;
    bench().world().medium().unpoison({0, bench().world().medium().size_bytes()});
    file().zeros.insert(kVictimBad);
    file().extents = must(kernel::fiemap(must(open_file(bench().world().tree().path(file()), O_RDONLY)).get()));
    EXPECT_THAT(bench().world().compare(), IsEmpty());
    (void)repair::release_spool(bench().spool_directory(), request.spool_key);
  }
}

TEST_P(Punch, AHoleOfItsOwnIsFilledByTheNextWorker) {
  const auto request = prepare();
  kill_at(kAfterTheHole, request);
  {
    const UniqueFd fd = must(open_file(bench().world().tree().path(file()), O_RDONLY));
    EXPECT_THAT(must(kernel::fiemap(fd.get(), kBadUnit)), IsEmpty()) << "the test is about a hole";
    EXPECT_EQ(bench().run(request, JobKind::kResume).reply.outcome, Outcome::kBusyRetry) << "we have it open";
  }
  const auto reply = bench().run(request, JobKind::kResume).reply;
  EXPECT_EQ(reply.outcome, Outcome::kSucceeded) << reply.reason;
  expect_whole();
}

TEST_P(Punch, AHoleOrBytesOfSomebodyElseStay) {
  auto request = prepare();
  kill_at(kBeforeTheHole, request);
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));  // what is done at once cannot be told from what we did
  {
    const UniqueFd fd = must(open_file(bench().world().tree().path(file()), O_RDWR));
    must_call(fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(kBadUnit.offset),
                        static_cast<off_t>(kBadUnit.length)),
              "punch");
  }
  auto reply = bench().run(request, JobKind::kResume).reply;
  EXPECT_EQ(reply.outcome, Outcome::kIndeterminate);
  EXPECT_THAT(reply.reason, HasSubstr(request.spool_key));
  const std::vector<std::byte> theirs(kBadUnit.length, std::byte{'U'});
  {
    const UniqueFd fd = must(open_file(bench().world().tree().path(file()), O_RDWR));
    EXPECT_THAT(must(kernel::fiemap(fd.get(), kBadUnit)), IsEmpty()) << "their hole";
    must(write_exactly(fd.get(), theirs, kBadUnit.offset));
    must_call(fsync(fd.get()), "fsync");
  }
  reply = bench().run(request, JobKind::kResume).reply;
  EXPECT_EQ(reply.outcome, Outcome::kIndeterminate);
  file().patches[kBadUnit.offset] = theirs;
  file().extents = must(kernel::fiemap(must(open_file(bench().world().tree().path(file()), O_RDONLY)).get()));
  EXPECT_THAT(bench().world().compare(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernel, Punch, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return param_info.param == FsType::kXfs ? "xfs" : "ext4"; });

}  // namespace
}  // namespace pmend::world
