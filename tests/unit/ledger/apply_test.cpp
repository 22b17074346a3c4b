// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/apply.hpp"

#include "../model/samples.hpp"
#include "ledger_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace pmend {
namespace {

using testing::HasSubstr;

class LedgerApply : public testing::Test {
 protected:
  // "done" or the error; what is refused must leave no trace.
  std::string result_of(std::vector<LedgerChange> changes) {
    const LedgerState before = load(ledger_);
    const Status done = put(ledger_, std::move(changes));
    if (!done) {
      EXPECT_EQ(load(ledger_), before);
      EXPECT_TRUE(done.error().is(Errc::kInvalid)) << done.error().message();
    }
    return done ? "done" : done.error().what;
  }

  LedgerDir dir_;
  Ledger ledger_ = std::move(*dir_.open());
};

TEST_F(LedgerApply, TakesRecordsOnlyInTheirOrder) {
  const auto story = a_story(4);
  EXPECT_FALSE(ledger_.apply({&story[1], 1}).has_value());
  ASSERT_TRUE(ledger_.apply({&story[0], 2}).has_value());
  const Status again = ledger_.apply({&story[1], 1});
  ASSERT_FALSE(again.has_value());
  EXPECT_THAT(again.error().what, HasSubstr("record 2 after 2"));
  EXPECT_TRUE(ledger_.apply({&story[2], 2}).has_value());
  EXPECT_EQ(load(ledger_).last_seq, 4U);
}

TEST_F(LedgerApply, TakesAllRecordsOfAGroupOrNone) {
  auto story = a_story(8);
  story[7].changes.push_back(ledger::StepOutcome{ended(an_intent(99))});
  const Status done = ledger_.apply(story);
  ASSERT_FALSE(done.has_value());
  EXPECT_THAT(done.error().what, HasSubstr("record 8: step-outcome: no open intent of this step"));
  EXPECT_EQ(load(ledger_), LedgerState());
}

TEST_F(LedgerApply, NeverGivesAnIdAgain) {
  ASSERT_EQ(result_of({an_incident(5), a_plan(5), a_job(9, a_plan(5)), an_incident(3)}), "done");
  EXPECT_EQ(load(ledger_).next_incident.value, 6U);
  EXPECT_EQ(load(ledger_).next_job.value, 10U);
  EXPECT_THAT(result_of({a_job(9, a_plan(5))}), HasSubstr("UNIQUE"));
}

TEST_F(LedgerApply, RefusesWhatRefersToNothing) {
  const LedgerChange rows[] = {
      a_plan(1),           ledger::PutDecision{{1}, {}, {}, {}},     an_approval(a_plan(1)),
      a_job(1, a_plan(1)), ledger::StepIntent{an_intent(1)},         ledger::StepOutcome{ended(an_intent(1))},
      an_end(1),           ledger::PutReport{{}, samples::report()}, a_line(1, "who?")};
  for (const LedgerChange& change : rows) {
    EXPECT_THAT(result_of({change}), HasSubstr(name_of(change)));
  }
}

TEST_F(LedgerApply, RefusesAStepWithoutARunningJob) {
  ASSERT_EQ(result_of({an_incident(1), a_plan(1), a_job(1, a_plan(1)), an_end(1)}), "done");
  EXPECT_THAT(result_of({ledger::StepIntent{an_intent(1)}}), HasSubstr("the job is not running"));
  EXPECT_THAT(result_of({an_end(1)}), HasSubstr("the job is not running"));
}

TEST_F(LedgerApply, RefusesAnOutcomeWithoutItsIntent) {
  ASSERT_EQ(result_of({an_incident(1), a_plan(1), a_job(1, a_plan(1)), ledger::StepIntent{an_intent(1)}}), "done");
  Step elsewhere = an_intent(1);
  elsewhere.device_range.offset += 4096;
  EXPECT_THAT(result_of({ledger::StepOutcome{ended(elsewhere)}}), HasSubstr("no open intent"));
  EXPECT_THAT(result_of({ledger::StepOutcome{ended(an_intent(1, 1))}}), HasSubstr("no open intent"));
  EXPECT_EQ(result_of({ledger::StepOutcome{ended(an_intent(1))}}), "done");
  EXPECT_THAT(result_of({ledger::StepOutcome{ended(an_intent(1))}}), HasSubstr("no open intent"));
}

TEST_F(LedgerApply, TakesTheSameIntentAgainWhileItIsOpen) {
  ASSERT_EQ(result_of({an_incident(1), a_plan(1), a_job(1, a_plan(1)), ledger::StepIntent{an_intent(1)}}), "done");
  EXPECT_EQ(result_of({ledger::StepIntent{an_intent(1)}}), "done");
  Step another = an_intent(1);
  another.kind = StepKind::kPunch;
  EXPECT_THAT(result_of({ledger::StepIntent{another}}), HasSubstr("its step is another one"));
  ASSERT_EQ(result_of({ledger::StepOutcome{ended(an_intent(1))}}), "done");
  EXPECT_THAT(result_of({ledger::StepIntent{an_intent(1)}}), HasSubstr("its step is another one"));
}

TEST_F(LedgerApply, TakesAnApprovalOfTheCurrentPlanOnly) {
  ASSERT_EQ(result_of({an_incident(1), a_plan(1, "a")}), "done");
  ASSERT_EQ(result_of({a_job(1, a_plan(1, "a"))}), "done");  // keeps this plan
  ASSERT_EQ(result_of({a_plan(1, "b")}), "done");
  EXPECT_THAT(result_of({an_approval(a_plan(1, "a"))}), HasSubstr("not the current one"));
  EXPECT_EQ(result_of({an_approval(a_plan(1, "b"))}), "done");
}

TEST_F(LedgerApply, DropsTheApprovalWhenThePlanChangesAlsoIfItComesBack) {
  ASSERT_EQ(result_of({an_incident(1), a_plan(1, "a"), an_approval(a_plan(1, "a"))}), "done");
  ASSERT_EQ(result_of({a_plan(1, "a")}), "done");
  EXPECT_EQ(load(ledger_).approvals.size(), 1U) << "the plan is the same";
  ASSERT_EQ(result_of({a_plan(1, "b")}), "done");
  ASSERT_EQ(result_of({a_plan(1, "a")}), "done");
  EXPECT_TRUE(load(ledger_).approvals.empty());
}

TEST_F(LedgerApply, ForgetsOldPlansUnlessAJobCarriedThemOut) {
  ASSERT_EQ(result_of({an_incident(1), a_plan(1, "a"), a_job(1, a_plan(1, "a"))}), "done");
  ASSERT_EQ(result_of({a_plan(1, "b")}), "done");
  ASSERT_EQ(result_of({a_plan(1, "c")}), "done");
  const auto plans = load(ledger_).plans;
  ASSERT_EQ(plans.size(), 2U);
  EXPECT_EQ(plans[0], a_plan(1, "a"));
  EXPECT_EQ(plans[1], a_plan(1, "c"));
}

TEST_F(LedgerApply, RefusesAPlanUnderAnotherHash) {
  auto plan = a_plan(1);
  plan.plan.device_id = "ns:another";
  EXPECT_THAT(result_of({an_incident(1), plan}), HasSubstr("hash is not that of the plan"));
}

TEST_F(LedgerApply, RefusesASecondReportOfAJob) {
  ledger::PutReport report{.job = JobId{1}, .report = samples::report()};
  report.report.incident.id.value = 1;
  ASSERT_EQ(result_of({an_incident(1), a_plan(1), a_job(1, a_plan(1)), report}), "done");
  EXPECT_THAT(result_of({report}), HasSubstr("UNIQUE"));
  report.job.reset();
  EXPECT_EQ(result_of({report}), "done");
}

TEST_F(LedgerApply, RefusesWhatItCouldNotReadBack) {
  auto empty_range = an_incident(1);
  empty_range.incident.device_range.length = 0;
  auto no_id = an_incident(0);
  auto huge_id = an_incident(std::numeric_limits<std::uint64_t>::max());
  auto nul = an_incident(1);
  nul.incident.reason = std::string("a\0b", 3);
  for (const auto& incident : {empty_range, no_id, huge_id, nul}) {
    EXPECT_THAT(result_of({incident}), HasSubstr("put-incident: "));
  }
}

TEST_F(LedgerApply, KeepsTextThatIsNotUtf8ReadableForPeople) {
  auto odd = an_incident(1);
  odd.incident.reason = "held by \xff";
  odd.incident.device_id = "loop:/tmp/\xfe";
  ASSERT_EQ(result_of({odd}), "done");
  EXPECT_EQ(load(ledger_).incidents.at(0).incident.reason, "held by \\xff");
  EXPECT_EQ(load(ledger_).incidents.at(0).incident.device_id, "loop:/tmp/\\xfe");
}

TEST_F(LedgerApply, OnlyAddsToHistoryAndReports) {
  ASSERT_TRUE(ledger_.apply(a_story(8)).has_value());
  for (const char* sql : {"DELETE FROM history", "UPDATE history SET json = '{}'", "DELETE FROM reports",
                          "UPDATE reports SET incident = 2"}) {
    EXPECT_ANY_THROW(dir_.tamper(sql)) << sql;
  }
}

}  // namespace
}  // namespace pmend
