// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <gmock/gmock.h>

namespace pmend::engine {
namespace {

using S = IncidentState;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Repairing : public testing::Test {
 protected:
  Repairing() { world_.add_file(kFile, 131, "/srv/a"); }
  void start_with_cached_sectors(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      world_.spoil({kFile.offset + i * 8192, 512}, true);
    }
    world_.start();
    world_.settle();
  }
  // A job whose first step was proceeded with and has no outcome.
  JobId start_job_in_its_step() {
    world_.hold("proceed");
    start_with_cached_sectors(1);
    EXPECT_THAT(world_.all<Proceed>(), SizeIs(1));
    return world_.all<RunJob>().back().request.job;
  }

  World world_;
};

TEST_F(Repairing, NoWorkerBeforeItsBeginningIsDurable) {
  world_.hold("record");
  start_with_cached_sectors(1);
  EXPECT_EQ(world_.find(1)->state(), S::kRepairing);
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
  world_.let("record");
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(1));
}

TEST_F(Repairing, NoStepBeforeItsIntentIsDurable) {
  world_.hold("run-job");
  start_with_cached_sectors(1);
  world_.hold("record");
  world_.let("run-job");
  world_.settle();
  EXPECT_THAT(world_.all<Proceed>(), IsEmpty());
  world_.let("record");
  world_.settle();
  EXPECT_THAT(world_.all<Proceed>(), SizeIs(1));
}

TEST_F(Repairing, NoSpoolGoesBeforeTheEndIsDurable) {
  world_.hold("proceed");
  start_with_cached_sectors(1);
  world_.hold("record");
  world_.let("proceed");
  world_.settle();
  EXPECT_THAT(world_.all<Release>(), IsEmpty());
  EXPECT_EQ(world_.shown(1), S::kRepairing);
  world_.let("record");
  world_.settle();
  EXPECT_THAT(world_.all<Release>(), SizeIs(1));
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Repairing, OneJobAtATimeOnOneFileSystem) {
  world_.hold("release");
  start_with_cached_sectors(3);
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(1));
  world_.let("release");
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(3));
}

TEST_F(Repairing, ANewListThatIsOlderThanTheRepairMakesNoRecurrence) {
  world_.hold("list");
  start_with_cached_sectors(1);
  ASSERT_EQ(world_.shown(1), S::kRepaired);
  world_.give(MediaErrors{{}, {"/dev/loop7", "loop:test", "badblocks", {{kFile.offset, 512}}, true}});
  EXPECT_THAT(world_.cases(), IsEmpty());
  world_.let("list");
  world_.settle();
  EXPECT_THAT(world_.cases(), IsEmpty());
}

TEST_F(Repairing, ASuccessWithoutProofIsResumedAndNotBelieved) {
  const JobId job = start_job_in_its_step();
  protocol::RepairReply reply;
  reply.job = job;
  reply.outcome = Outcome::kSucceeded;
  world_.give(JobFinished{reply});
  EXPECT_EQ(world_.find(1)->state(), S::kIndeterminate);
  world_.let("proceed");
  world_.settle();
  ASSERT_THAT(world_.all<RunJob>(), SizeIs(2));
  EXPECT_TRUE(world_.all<RunJob>().back().resume);
  EXPECT_EQ(world_.all<RunJob>().back().request.job, job);
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Repairing, TwoIndeterminateOutcomesAreHeld) {
  world_.next_outcome = Outcome::kIndeterminate;
  world_.hold("run-job");
  start_with_cached_sectors(1);
  world_.let("run-job");
  for (int i = 0; i < 20 && world_.find(1)->state() != S::kHeld; ++i) {
    if (world_.find(1)->state() == S::kRepairing && !world_.next_outcome) {
      world_.next_outcome = Outcome::kIndeterminate;
    }
    if (!world_.answer_one()) {
      world_.pass(std::chrono::seconds(60));
    }
  }
  world_.settle();
  EXPECT_EQ(world_.find(1)->state(), S::kHeld);
  EXPECT_THAT(world_.find(1)->incident.reason, HasSubstr("twice"));
  EXPECT_EQ(world_.approve(1), std::nullopt);
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Repairing, ABusyFileIsTriedThreeTimesWithPauses) {
  world_.next_error = protocol::ErrorCode::kBusy;
  start_with_cached_sectors(1);
  EXPECT_EQ(world_.find(1)->state(), S::kBlocked);
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(1));
  for (int i = 0; i < 5; ++i) {
    world_.next_error = protocol::ErrorCode::kBusy;
    world_.pass(std::chrono::minutes(2));
    world_.settle();
  }
  EXPECT_EQ(world_.find(1)->state(), S::kFailed);
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(3));
  world_.next_error.reset();
  EXPECT_EQ(world_.ask(OperatorVerb::kRetry, 1), std::nullopt);
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Repairing, AChangedTargetIsPlannedAnew) {
  world_.next_error = protocol::ErrorCode::kPlanChanged;
  start_with_cached_sectors(1);
  EXPECT_THAT(world_.all<AskPlan>(), SizeIs(2));
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Repairing, APermanentFailureIsNotTriedAgain) {
  world_.next_outcome = Outcome::kPermanentFailure;
  start_with_cached_sectors(1);
  EXPECT_EQ(world_.find(1)->state(), S::kFailed);
  world_.pass(std::chrono::hours(1));
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(1));
}

TEST_F(Repairing, AWorkerThatEndsBeforeItsStepIsTriedAgainAfterAPause) {
  world_.take_steps = false;
  start_with_cached_sectors(1);
  const JobId job = world_.all<RunJob>().back().request.job;
  world_.kill_worker(job);
  EXPECT_EQ(world_.find(1)->state(), S::kDetected);
  world_.take_steps = true;
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(1));
  world_.pass(std::chrono::seconds(2));
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
  EXPECT_NE(world_.all<RunJob>().back().request.job, job);
}

TEST_F(Repairing, AWorkerThatEndsInItsStepIsObservedAndResumedAndNeverCalledCleared) {
  const JobId job = start_job_in_its_step();
  world_.mend({kFile.offset, 512});  // the write cleared the error, and nobody knows with what bytes
  world_.hold("observe");
  world_.kill_worker(job);
  world_.say_list();
  EXPECT_EQ(world_.find(1)->state(), S::kIndeterminate);
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(1));
  world_.let("observe");
  world_.let("proceed");
  world_.settle();
  ASSERT_THAT(world_.all<RunJob>(), SizeIs(2));
  EXPECT_TRUE(world_.all<RunJob>().back().resume);
  EXPECT_EQ(world_.all<RunJob>().back().request.first_step, 1U) << "its steps are others than those that were told";
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Repairing, AResumedWorkerCannotTakeAStepOfAnEarlierRun) {
  const JobId job = start_job_in_its_step();
  const Step begun = world_.step_of(world_.all<RunJob>().back().request, 0);
  world_.kill_worker(job);
  world_.settle();
  ASSERT_TRUE(world_.all<RunJob>().back().resume);
  const auto proceeded = world_.all<Proceed>().size();
  world_.give(StepIntent{begun});
  world_.settle();
  EXPECT_THAT(world_.all<Proceed>(), SizeIs(proceeded));
  EXPECT_THAT(world_.all<CancelJob>(), SizeIs(1));
}

TEST_F(Repairing, AResumeThatFoundNothingBegunStartsAnew) {
  const JobId job = start_job_in_its_step();
  world_.kill_worker(job);
  world_.let("proceed");
  world_.next_error = protocol::ErrorCode::kPlanChanged;
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
  EXPECT_NE(world_.all<RunJob>().back().request.job, job);
}

TEST_F(Repairing, AStuckWorkerKeepsEverybodyAwayUntilItIsGone) {
  const JobId job = start_job_in_its_step();
  world_.spoil({kFile.offset + 65536, 512}, true);
  world_.say_list();
  world_.give(WorkerStuck{job});
  world_.let("proceed");
  world_.hold("proceed");
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kStuck);
  EXPECT_EQ(world_.find(2)->state(), S::kQueued);
  world_.pass(std::chrono::hours(1));
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(1));
  world_.kill_worker(job);
  world_.let("proceed");
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
  EXPECT_EQ(world_.shown(2), S::kRepaired);
  EXPECT_TRUE(world_.all<RunJob>().at(1).resume);
}

TEST_F(Repairing, AStuckWorkerThatAnswersAfterAllIsBelieved) {
  const JobId job = start_job_in_its_step();
  world_.give(WorkerStuck{job});
  world_.let("proceed");
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Repairing, WhatWorkersOfAFormerPmendHoldIsWaitedFor) {
  world_.hold("inspect");
  start_with_cached_sectors(1);
  EXPECT_EQ(world_.find(1)->state(), S::kQueued);
  protocol::InspectReply held;
  held.locks.push_back({protocol::LockKind::kFilesystem, "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", {}, {}, true});
  world_.give(Inspected{held});
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
  world_.pass(std::chrono::seconds(1));
  EXPECT_THAT(world_.all<Inspect>(), SizeIs(2));
  world_.let("inspect");
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Repairing, AStepOutsideThePlanIsCancelled) {
  world_.take_steps = false;
  start_with_cached_sectors(1);
  Step step;
  step.job = world_.all<RunJob>().back().request.job;
  step.device_range = {0, 4096};
  world_.give(StepIntent{step});
  EXPECT_THAT(world_.all<CancelJob>(), SizeIs(1));
  world_.settle();
  EXPECT_THAT(world_.all<Proceed>(), IsEmpty());
}

TEST_F(Repairing, ALateOrDoubledIntentIsProceededWithOnce) {
  const JobId job = start_job_in_its_step();
  Step step;
  for (const LedgerRecord& record : world_.records()) {
    for (const LedgerChange& change : record.changes) {
      if (const auto* intent = std::get_if<ledger::StepIntent>(&change)) {
        step = intent->step;
      }
    }
  }
  ASSERT_EQ(step.job, job);
  world_.give(StepIntent{step});
  world_.give(StepIntent{step});
  world_.settle();
  EXPECT_THAT(world_.all<Proceed>(), SizeIs(1));
}

TEST_F(Repairing, AnErrorInAUnitThatIsBeingRepairedIsTakenUpAfterwards) {
  start_job_in_its_step();
  world_.spoil({kFile.offset + 1024, 512}, true);
  world_.say_list();
  EXPECT_THAT(world_.cases(), SizeIs(1));
  world_.let("proceed");
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Repairing, TheReportNamesFilesAndBytes) {
  world_.spoil({kFile.offset, 512});
  world_.start();
  world_.settle();
  ASSERT_EQ(world_.approve(1), std::nullopt);
  world_.settle();
  std::optional<Report> report;
  for (const LedgerRecord& record : world_.records()) {
    for (const LedgerChange& change : record.changes) {
      if (const auto* put = std::get_if<ledger::PutReport>(&change)) {
        report = put->report;
      }
    }
  }
  ASSERT_TRUE(report);
  EXPECT_EQ(report->incident.state, S::kRepaired);
  ASSERT_THAT(report->manifest.lost, SizeIs(1));
  EXPECT_EQ(report->manifest.lost[0].paths.front().bytes, "/srv/a");
  ASSERT_TRUE(report->approval);
  EXPECT_EQ(report->approval->who, "uid 1000 (anna)");
}

TEST_F(Repairing, AfterAFailedRecordPmendWatchesAndDoesNotAct) {
  world_.hold("record");
  start_with_cached_sectors(2);
  world_.give(RecordFailed{1, "disk full"});
  world_.let("record");
  const std::size_t records = world_.all<Record>().size();
  world_.settle();
  world_.pass(std::chrono::hours(2));
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
  EXPECT_EQ(world_.all<Record>().size(), records);
  EXPECT_EQ(world_.find(1)->state(), S::kBlocked);
  EXPECT_THAT(world_.find(1)->incident.reason, HasSubstr("disk full"));
  EXPECT_EQ(world_.ask(OperatorVerb::kDismiss, 1), OperatorError::kUnavailable);
  world_.spoil({kFile.offset + (1U << 20U), 512});
  world_.say_list();
  world_.settle();
  EXPECT_NE(world_.shown(3), std::nullopt) << "watching goes on";
  EXPECT_FALSE(world_.status().acting);
}

TEST_F(Repairing, AFailedRecordOfAnIntentCancelsTheWorker) {
  world_.hold("run-job");
  start_with_cached_sectors(1);
  world_.hold("record");
  world_.let("run-job");
  world_.settle();
  world_.give(RecordFailed{world_.all<Record>().back().record.seq, "disk full"});
  EXPECT_THAT(world_.all<CancelJob>(), SizeIs(1));
  EXPECT_THAT(world_.all<Proceed>(), IsEmpty());
}

TEST_F(Repairing, APausedPmendBeginsNothing) {
  LedgerState state;
  state.paused = true;
  world_.spoil({kFile.offset, 512}, true);
  world_.start(state);
  world_.settle();
  EXPECT_EQ(world_.find(1)->state(), S::kQueued);
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
}

TEST_F(Repairing, APauseBetweenBeginningAndItsRecordCallsTheJobOff) {
  world_.hold("record");
  start_with_cached_sectors(1);
  ASSERT_EQ(world_.find(1)->state(), S::kRepairing);
  world_.give(OperatorRequest{OperatorId{1}, OperatorVerb::kPause, {}, {}, "uid 0", {}});
  world_.let("record");
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
  EXPECT_EQ(world_.find(1)->state(), S::kQueued);
  EXPECT_EQ(world_.find(1)->memory.attempts, 0U);
}

TEST_F(Repairing, TheHighestPriorityComesFirst) {
  world_.add_file({1U << 28U, 4096}, 9, "/srv/first");
  world_.spoil({kFile.offset, 512}, true);
  world_.spoil({1U << 28U, 512}, true);
  world_.hold("inspect");
  world_.start({}, R"({"rules": [
    {"name": "first", "when": {"owner": "file", "path": "/srv/first"}, "then": {"action": "repair", "priority": 5}},
    {"name": "rest", "when": {"owner": "file"}, "then": {"action": "repair"}}]})");
  world_.settle();
  world_.let("inspect");
  world_.settle();
  ASSERT_THAT(world_.all<RunJob>(), SizeIs(2));
  EXPECT_EQ(world_.all<RunJob>().front().request.plan.units.front().unit.device_range.offset, 1U << 28U);
}

}  // namespace
}  // namespace pmend::engine
