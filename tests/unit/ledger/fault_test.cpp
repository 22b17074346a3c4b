// SPDX-License-Identifier: Apache-2.0
#include "faulty_vfs.hpp"
#include "ledger_dir.hpp"
#include "pmend/ledger/writer.hpp"
#include "support/seed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <span>
#include <string>
#include <vector>

// Every call that changes something on the disk fails once, in each way. Whatever happens, the ledger that is found
// afterwards holds whole records in their order: at least those that were reported as durable.
namespace pmend {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kStoryRecords = 9;

struct Told {
  std::uint64_t reported = 0;  // the last record that was reported as durable
  std::string error;           // the first one
};

// Opens the ledger, writes the story in groups of one, two, three, … records, and ends in order.
Told run_story(const LedgerDir& dir, const std::vector<LedgerRecord>& story) {
  Told run;
  auto ledger = dir.open();
  if (!ledger) {
    return {.reported = 0, .error = ledger.error().message()};
  }
  const std::span<const LedgerRecord> records(story);
  for (std::size_t done = 0, size = 1; done < records.size(); done += size, ++size) {
    const auto group = records.subspan(done, std::min(size, records.size() - done));
    if (Status applied = ledger->apply(group); !applied) {
      // Where this fails as well the ledger is left as it is.
      (void)ledger->forbid_writing();
      run.error = applied.error().message();
      return run;
    }
    run.reported = group.back().seq;
  }
  if (Status closed = ledger->close(); !closed) {
    (void)ledger->forbid_writing();
    run.error = closed.error().message();
  }
  return run;
}

class LedgerFaults : public testing::Test {
 protected:
  std::uint64_t calls_without_fault() {
    const LedgerDir dir;
    FaultyVfs vfs;
    EXPECT_EQ(run_story(dir, story_).reported, kStoryRecords);
    return vfs.calls();
  }

  void expect_whole(const LedgerDir& dir, const Told& run, const std::string& where) {
    const auto found = state_in(dir);
    ASSERT_TRUE(found.has_value()) << where << ": " << found.error().message();
    EXPECT_GE(found->last_seq, run.reported) << where;
    ASSERT_LT(found->last_seq, states_.size()) << where;
    EXPECT_EQ(*found, states_[found->last_seq]) << where;
  }

  const std::vector<LedgerRecord> story_ = a_story(kStoryRecords);
  const std::vector<LedgerState> states_ = states_of(story_);
};

TEST_F(LedgerFaults, AnErrorOfTheDiskLosesNothingThatWasReported) {
  const std::uint64_t calls = calls_without_fault();
  ASSERT_GT(calls, 50U) << "the layer below SQLite is not in use";
  for (const Fault fault : {Fault::kIoError, Fault::kFull}) {
    int told = 0;
    for (std::uint64_t call = 1; call <= calls; ++call) {
      const LedgerDir dir;
      FaultyVfs vfs;
      vfs.fail_at(call, fault);
      const Told run = run_story(dir, story_);
      told += run.error.empty() ? 0 : 1;
      vfs.repair();
      expect_whole(dir, run, "call " + std::to_string(call));
    }
    RecordProperty("calls", static_cast<int>(calls));
    EXPECT_GT(told, static_cast<int>(calls) / 2) << "most failures have to be told";
  }
}

TEST_F(LedgerFaults, PowerLossLosesNothingThatWasReported) {
  const std::uint64_t calls = calls_without_fault();
  // Seed 0 drops all that was not synced; the others keep some sectors of it.
  const std::uint64_t seeds = world::long_run() ? 32 : 2;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    for (std::uint64_t call = 1; call <= calls; ++call) {
      const LedgerDir dir;
      FaultyVfs vfs;
      vfs.fail_at(call, Fault::kPowerLost);
      const Told run = run_story(dir, story_);
      vfs.restore(dir.path(), seed == 0 ? 0 : seed * 1000 + call);
      expect_whole(dir, run, "call " + std::to_string(call) + ", seed " + std::to_string(seed));
    }
  }
}

TEST_F(LedgerFaults, PowerLossAfterAllIsNoted) {
  const LedgerDir dir;
  FaultyVfs vfs;
  ASSERT_EQ(run_story(dir, story_).error, "");
  vfs.fail_at(1, Fault::kPowerLost);
  vfs.restore(dir.path(), 0);
  auto ledger = dir.open();
  ASSERT_TRUE(ledger.has_value()) << ledger.error().message();
  EXPECT_TRUE(load(*ledger).clean_shutdown);
  EXPECT_EQ(load(*ledger).last_seq, kStoryRecords);
}

TEST_F(LedgerFaults, AFullDiskIsSaidAndStopsAllWritingWhileQueriesGoOn) {
  const LedgerDir dir;
  FaultyVfs vfs;
  auto ledger = dir.open();
  auto reader = ledger->open_reader();
  ASSERT_TRUE(ledger->apply({story_.data(), 4}).has_value());
  std::vector<LedgerResult> results;
  std::uint64_t calls_at_failure = 0;
  {
    LedgerWriter writer(std::move(*ledger), std::move(*reader), [&](const LedgerResult& result) {
      results.push_back(result);
      calls_at_failure = calls_at_failure == 0 ? vfs.calls() : calls_at_failure;
    });
    vfs.fail_at(1, Fault::kFull);
    writer.submit(story_[4]);
    std::promise<std::uint64_t> durable;
    writer.query([&](LedgerReader& open) { durable.set_value(open.load({}).value().last_seq); });
    EXPECT_EQ(durable.get_future().get(), 4U);
    vfs.repair();  // space again: too late, nobody knows what was lost
    writer.submit(story_[5]);
    Status stopped = writer.stop();
    ASSERT_FALSE(stopped.has_value());
    EXPECT_TRUE(stopped.error().is_errno(ENOSPC));
    EXPECT_THAT(stopped.error().message(), HasSubstr("No space left on device"));
  }
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].seq, 5U);
  EXPECT_EQ(results[1].seq, 6U);
  EXPECT_TRUE(results[1].error.has_value());
  EXPECT_EQ(vfs.calls(), calls_at_failure) << "written after the failure";
  EXPECT_EQ(state_in(dir)->last_seq, 4U);
}

TEST_F(LedgerFaults, AFailedCheckpointStopsAllWritingButUndoesNothing) {
  const LedgerDir dir;
  FaultyVfs vfs;
  auto ledger = dir.open();
  // Long enough that the log is due to be emptied.
  const auto story = a_story(120);
  for (const LedgerRecord& record : story) {
    ASSERT_TRUE(ledger->apply({&record, 1}).has_value());
  }
  vfs.fail_at(1, Fault::kIoError);
  Status tidied = ledger->tidy();
  ASSERT_FALSE(tidied.has_value());
  EXPECT_TRUE(tidied.error().is_errno(EIO));
  EXPECT_THAT(tidied.error().what, HasSubstr("checkpoint"));
  ASSERT_TRUE(ledger->forbid_writing().has_value());
  const LedgerRecord next{.seq = 121, .changes = {ledger::SetPaused{true}}};
  EXPECT_FALSE(ledger->apply({&next, 1}).has_value());
  ledger = dir.open();  // refused: still ours
  EXPECT_FALSE(ledger.has_value());
  vfs.repair();
  EXPECT_EQ(state_in(dir)->last_seq, 120U);
}

}  // namespace
}  // namespace pmend
