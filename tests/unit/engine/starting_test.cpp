// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/ledger.hpp"
#include "world.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace pmend::engine {
namespace {

using S = IncidentState;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// pmend is killed, and started again with what a real ledger gives back of the records that were durable.
class Starting : public testing::Test {
 protected:
  Starting() : dir_(testing::TempDir() + "pmend-starting-XXXXXX") {
    EXPECT_NE(mkdtemp(dir_.data()), nullptr);
    world_.add_file(kFile, 131, "/srv/a");
  }
  ~Starting() override { std::filesystem::remove_all(dir_); }

  LedgerState remember() {
    auto ledger = Ledger::open({dir_, "boot"});
    EXPECT_TRUE(ledger.has_value()) << ledger.error().message();
    const std::vector<LedgerRecord>& all = world_.records();
    const std::vector<LedgerRecord> fresh(all.begin() + static_cast<std::ptrdiff_t>(applied_), all.end());
    applied_ = all.size();
    const Status applied = ledger->apply(fresh);
    EXPECT_TRUE(applied.has_value()) << applied.error().message();
    const auto state = ledger->load({1000, WallTime{}});
    EXPECT_TRUE(state.has_value()) << state.error().message();
    return *state;
  }
  void restart() {
    const LedgerState state = remember();
    world_.forget_engine();
    world_.start(state);
  }

  std::string dir_;
  World world_;
  std::size_t applied_ = 0;
};

TEST_F(Starting, WhatWasHeldIsHeldAgainUnderItsNumber) {
  world_.spoil({kFile.offset, 512});
  world_.start();
  world_.settle();
  restart();
  world_.settle();
  ASSERT_THAT(world_.cases(), SizeIs(1));
  EXPECT_EQ(world_.shown(1), S::kHeld);
}

TEST_F(Starting, AnApprovalSurvivesAsLongAsThePlanIsTheSame) {
  world_.spoil({kFile.offset, 512});
  world_.start();
  world_.settle();
  world_.ask(OperatorVerb::kPause);
  ASSERT_EQ(world_.approve(1), std::nullopt);
  world_.settle();
  restart();
  world_.settle();
  EXPECT_EQ(world_.find(1)->state(), S::kQueued) << "still paused";
  world_.ask(OperatorVerb::kResume);
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Starting, AnApprovalIsVoidIfThePlanChangedMeanwhile) {
  world_.spoil({kFile.offset, 512});
  world_.start();
  world_.settle();
  world_.ask(OperatorVerb::kPause);
  ASSERT_EQ(world_.approve(1), std::nullopt);
  world_.spoil({kFile.offset + 512, 512});
  restart();
  world_.ask(OperatorVerb::kResume);
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kHeld);
}

TEST_F(Starting, WhatWentAwayMeanwhileIsCleared) {
  world_.spoil({kFile.offset, 512});
  world_.start();
  world_.settle();
  world_.mend({kFile.offset, 512});
  restart();
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kCleared);
}

// A write that cleared the list and failed all the same (EFAULT after a machine check), and a restart that brings the
// page back with whatever the medium then holds.
TEST_F(Starting, WhatAFailedRepairLeftReadableIsClearedByNameOnly) {
  world_.spoil({kFile.offset + 8192, 512});
  world_.start();
  world_.settle();
  ASSERT_EQ(world_.approve(1), std::nullopt);
  world_.next_outcome = Outcome::kTargetChanged;
  world_.hold("observe");
  world_.settle();
  world_.mend({kFile.offset + 8192, 512});
  restart();
  world_.let("observe");
  world_.settle();
  ASSERT_EQ(world_.shown(1), S::kCleared);
  EXPECT_THAT(world_.incident(1).reason, HasSubstr("nobody has proven the content of /srv/a (512 bytes at 8192)"));
  EXPECT_THAT(world_.incident(1).reason, HasSubstr("had been tried before, which ended as target-changed"));
  EXPECT_EQ(world_.incident(1).outcome, Outcome::kTargetChanged);
}

TEST_F(Starting, ADeviceThatIsNotFoundLeavesItsIncidentsUnobservable) {
  world_.spoil({kFile.offset, 512});
  world_.start();
  world_.settle();
  const LedgerState state = remember();
  world_.forget_engine();
  world_.give(Loaded{state});
  world_.load_policy(kDefaultPolicy);
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kUnobservable);
}

TEST_F(Starting, NumbersAreNeverUsedAgain) {
  world_.spoil({kFile.offset, 512}, true);
  world_.start();
  world_.settle();
  ASSERT_EQ(world_.shown(1), S::kRepaired);
  restart();
  world_.settle();
  world_.spoil({kFile.offset + 65536, 512}, true);
  world_.say_list();
  world_.settle();
  EXPECT_EQ(world_.shown(2), S::kRepaired);
  EXPECT_EQ(world_.all<RunJob>().back().request.job, JobId{2});
  EXPECT_EQ(world_.shown(1), std::nullopt);
}

TEST_F(Starting, ARecurrenceIsKnownAfterARestart) {
  world_.spoil({kFile.offset, 512}, true);
  world_.start();
  world_.settle();
  restart();
  world_.spoil({kFile.offset, 512}, true);
  world_.say_list();
  world_.settle();
  EXPECT_EQ(world_.shown(2), S::kHeld);
  EXPECT_EQ(world_.incident(2).seen, 2U);
}

TEST_F(Starting, AJobWithoutAStepIsAsIfItHadNotBeen) {
  world_.take_steps = false;
  world_.spoil({kFile.offset, 512}, true);
  world_.start();
  world_.settle();
  ASSERT_EQ(world_.shown(1), S::kRepairing);
  world_.take_steps = true;
  restart();
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
  EXPECT_FALSE(world_.all<RunJob>().back().resume);
}

TEST_F(Starting, AnOpenIntentIsObservedAndResumedBeforeAnythingElse) {
  world_.hold("proceed");
  world_.spoil({kFile.offset, 512}, true);
  world_.start();
  world_.settle();
  ASSERT_THAT(world_.all<Proceed>(), SizeIs(1));
  world_.spoil({kFile.offset + 65536, 512}, true);
  world_.mend({kFile.offset, 512});
  const std::size_t runs = world_.all<RunJob>().size();
  restart();
  world_.let("proceed");
  world_.settle();
  const auto all = world_.all<RunJob>();
  ASSERT_EQ(all.size(), runs + 2);
  EXPECT_TRUE(all[runs].resume);
  EXPECT_EQ(all[runs].request.job, JobId{1});
  EXPECT_EQ(world_.shown(1), S::kRepaired);
  EXPECT_EQ(world_.shown(2), S::kRepaired);
}

TEST_F(Starting, AStuckWorkerOfTheFormerPmendIsWaitedFor) {
  world_.hold("proceed");
  world_.spoil({kFile.offset, 512}, true);
  world_.start();
  world_.settle();
  world_.give(WorkerStuck{JobId{1}});
  world_.settle();
  const std::size_t runs = world_.all<RunJob>().size();
  world_.hold("inspect");
  restart();
  world_.let("proceed");
  protocol::InspectReply reply;
  reply.locks.push_back({protocol::LockKind::kDevice, "loop:test", JobId{1}, 4711, true});
  world_.give(Inspected{reply});
  world_.settle();
  world_.pass(std::chrono::seconds(30));
  world_.give(Inspected{reply});
  world_.settle();
  EXPECT_EQ(world_.all<RunJob>().size(), runs);
  EXPECT_EQ(world_.shown(1), S::kStuck);
  world_.let("inspect");
  world_.pass(std::chrono::seconds(1));
  world_.settle();
  EXPECT_EQ(world_.all<RunJob>().size(), runs + 1);
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Starting, ASpoolThatWasNotReleasedIsReleasedIfItsJobEnded) {
  world_.hold("release");
  world_.spoil({kFile.offset, 512}, true);
  world_.start();
  world_.settle();
  ASSERT_EQ(world_.shown(1), S::kRepaired);
  const std::string key = world_.all<RunJob>().back().request.spool_key;
  world_.hold("inspect");
  restart();
  protocol::InspectReply reply;
  reply.spool_keys = {key, "job-99-ffffffffffffffff"};
  world_.give(Inspected{reply});
  const auto releases = world_.all<Release>();
  ASSERT_THAT(releases, SizeIs(2));
  EXPECT_EQ(releases.back().request.spool_key, key);
}

TEST_F(Starting, ARepairsPerHourLimitIsNotForgotten) {
  const std::string policy = R"({"rules": [{"name": "all", "when": {"owner": "file"}, "then": {"action": "repair"}}],
                                 "limits": {"repairs_per_hour": 1}})";
  world_.spoil({kFile.offset, 512}, true);
  world_.start({}, policy);
  world_.settle();
  ASSERT_EQ(world_.shown(1), S::kRepaired);
  world_.spoil({kFile.offset + 65536, 512}, true);
  const LedgerState state = remember();
  world_.forget_engine();
  world_.start(state, policy);
  world_.settle();
  EXPECT_EQ(world_.shown(2), S::kBlocked);
}

TEST_F(Starting, AllThatIsOpenIsShownAgain) {
  world_.next_outcome = Outcome::kPermanentFailure;
  world_.spoil({kFile.offset, 512}, true);
  world_.start();
  world_.settle();
  ASSERT_EQ(world_.shown(1), S::kFailed);
  restart();
  EXPECT_EQ(world_.shown(1), S::kFailed);
}

TEST_F(Starting, ASecondLedgerIsIgnored) {
  world_.spoil({kFile.offset, 512});
  world_.start();
  world_.settle();
  world_.give(Loaded{});
  EXPECT_THAT(world_.cases(), SizeIs(1));
}

}  // namespace
}  // namespace pmend::engine
