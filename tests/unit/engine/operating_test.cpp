// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <gmock/gmock.h>

namespace pmend::engine {
namespace {

using S = IncidentState;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kOtherHash(64, 'f');

class Operating : public testing::Test {
 protected:
  Operating() {
    world_.add_file(kFile, 131, "/srv/a");
    world_.spoil({kFile.offset, 512});
    world_.start();
    world_.settle();
  }

  World world_;
};

TEST_F(Operating, AnApprovalOfTheCurrentPlanRepairs) {
  EXPECT_EQ(world_.approve(1), std::nullopt);
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Operating, AnApprovalOfAnyOtherPlanIsStale) {
  EXPECT_EQ(world_.ask(OperatorVerb::kApprove, 1, kOtherHash), OperatorError::kStalePlan);
  EXPECT_EQ(world_.ask(OperatorVerb::kApprove, 1), OperatorError::kStalePlan);
  world_.settle();
  EXPECT_EQ(world_.find(1)->state(), S::kHeld);
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
}

TEST_F(Operating, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(world_.ask(OperatorVerb::kApprove, 99, kOtherHash), OperatorError::kNotFound);
  EXPECT_EQ(world_.ask(OperatorVerb::kDismiss, 99), OperatorError::kNotFound);
  EXPECT_EQ(world_.ask(OperatorVerb::kRetry), OperatorError::kNotFound);
}

TEST_F(Operating, AnAnswerComesOnlyWhenItIsDurable) {
  world_.hold("record");
  world_.give(OperatorRequest{OperatorId{77}, OperatorVerb::kDismiss, IncidentId{1}, {}, "uid 0", {}});
  EXPECT_THAT(world_.all<ReplyOperator>(), IsEmpty());
  world_.let("record");
  world_.settle();
  EXPECT_THAT(world_.all<ReplyOperator>(), SizeIs(1));
}

TEST_F(Operating, ADismissedIncidentIsLeftAloneUntilItsEntryIsGone) {
  ASSERT_EQ(world_.ask(OperatorVerb::kDismiss, 1), std::nullopt);
  world_.settle();
  const std::size_t observed = world_.all<Observe>().size();
  world_.load_policy(R"({"rules": [{"name": "all", "when": {"owner": "file"}, "then": {"action": "repair"}}]})");
  world_.say_list(false);
  world_.give(MountsChanged{});
  world_.pass(std::chrono::hours(1));
  world_.ask(OperatorVerb::kRescan);
  world_.settle();
  EXPECT_EQ(world_.find(1)->state(), S::kDismissed);
  EXPECT_EQ(world_.all<Observe>().size(), observed);
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
  world_.mend({kFile.offset, 512});
  world_.say_list();
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kCleared);
}

TEST_F(Operating, ANewErrorBesideADismissedOneIsAnIncidentOfItsOwn) {
  ASSERT_EQ(world_.ask(OperatorVerb::kDismiss, 1), std::nullopt);
  world_.spoil({kFile.offset + 4096, 512});
  world_.say_list();
  world_.settle();
  EXPECT_EQ(world_.find(1)->state(), S::kDismissed);
  EXPECT_EQ(world_.find(2)->state(), S::kHeld);
}

TEST_F(Operating, ADismissedIncidentDoesNotCountAsOpen) {
  world_.spoil({kFile.offset + 65536, 512}, true);
  world_.load_policy(R"({"rules": [{"name": "n", "when": {"owner": "file", "bytes_lost": {"max": 0}},
    "then": {"action": "repair"}}], "limits": {"open_incidents_per_device": 1}})");
  ASSERT_EQ(world_.ask(OperatorVerb::kDismiss, 1), std::nullopt);
  world_.say_list();
  world_.settle();
  EXPECT_EQ(world_.shown(2), S::kRepaired);
}

TEST_F(Operating, RetryTakesADismissedOneUpAgain) {
  ASSERT_EQ(world_.ask(OperatorVerb::kDismiss, 1), std::nullopt);
  EXPECT_EQ(world_.ask(OperatorVerb::kRetry, 1), std::nullopt);
  world_.settle();
  EXPECT_EQ(world_.find(1)->state(), S::kHeld);
}

TEST_F(Operating, NothingCanBeAskedOfAnIncidentInRepair) {
  world_.hold("proceed");
  ASSERT_EQ(world_.approve(1), std::nullopt);
  world_.settle();
  ASSERT_EQ(world_.shown(1), S::kRepairing);
  EXPECT_EQ(world_.approve(1), OperatorError::kBusy);
  EXPECT_EQ(world_.ask(OperatorVerb::kDismiss, 1), OperatorError::kBusy);
  EXPECT_EQ(world_.ask(OperatorVerb::kRetry, 1), OperatorError::kBusy);
}

TEST_F(Operating, OnlyAHeldIncidentCanBeApproved) {
  world_.load_policy(R"({"rules": [{"name": "w", "then": {"action": "observe"}}]})");
  world_.settle();
  ASSERT_EQ(world_.find(1)->state(), S::kObserving);
  EXPECT_EQ(world_.approve(1), OperatorError::kInvalid);
}

TEST_F(Operating, PauseAndResumeAreRemembered) {
  EXPECT_EQ(world_.ask(OperatorVerb::kPause), std::nullopt);
  EXPECT_TRUE(world_.status().paused);
  ASSERT_EQ(world_.approve(1), std::nullopt);
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
  EXPECT_EQ(world_.ask(OperatorVerb::kResume), std::nullopt);
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
  std::vector<bool> recorded;
  for (const LedgerRecord& record : world_.records()) {
    for (const LedgerChange& change : record.changes) {
      if (const auto* set = std::get_if<ledger::SetPaused>(&change)) {
        recorded.push_back(set->paused);
      }
    }
  }
  EXPECT_EQ(recorded, (std::vector<bool>{true, false}));
}

TEST_F(Operating, BeforeTheLedgerIsLoadedNothingCanBeAsked) {
  World fresh;
  EXPECT_EQ(fresh.ask(OperatorVerb::kRescan), OperatorError::kUnavailable);
}

TEST_F(Operating, AnApprovalIsForOneTry) {
  world_.next_outcome = Outcome::kPermanentFailure;
  ASSERT_EQ(world_.approve(1), std::nullopt);
  world_.settle();
  ASSERT_EQ(world_.find(1)->state(), S::kFailed);
  EXPECT_EQ(world_.ask(OperatorVerb::kRetry, 1), std::nullopt);
  world_.settle();
  EXPECT_EQ(world_.find(1)->state(), S::kHeld);
}

TEST_F(Operating, AStopCancelsAndWaitsForTheWorkers) {
  world_.hold("proceed");
  ASSERT_EQ(world_.approve(1), std::nullopt);
  world_.settle();
  world_.hold("cancel-job");
  world_.give(Shutdown{});
  EXPECT_THAT(world_.all<CancelJob>(), SizeIs(1));
  world_.settle();
  EXPECT_FALSE(world_.may_exit());
  world_.give(WorkerGone{world_.all<RunJob>().back().request.job, "cancelled"});
  world_.settle();
  EXPECT_TRUE(world_.may_exit());
  EXPECT_EQ(world_.ask(OperatorVerb::kRetry, 1), OperatorError::kUnavailable);
}

}  // namespace
}  // namespace pmend::engine
