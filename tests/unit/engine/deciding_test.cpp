// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <gmock/gmock.h>

namespace pmend::engine {
namespace {

using S = IncidentState;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kRepairAll =
    R"({"rules": [{"name": "all", "when": {"owner": "file"}, "then": {"action": "repair"}}]})";

std::string limited(const std::string& limits) {
  return R"({"rules": [{"name": "all", "when": {"owner": "file"}, "then": {"action": "repair"}}], "limits": {)" +
         limits + "}}";
}

class Deciding : public testing::Test {
 protected:
  Deciding() { world_.add_file(kFile, 131, "/srv/a"); }
  // `count` sectors, far enough from each other to be incidents of their own.
  void spoil(std::uint64_t count, bool cached = false) {
    for (std::uint64_t i = 0; i < count; ++i) {
      world_.spoil({kFile.offset + i * 8192, 512}, cached);
    }
  }
  std::size_t in_state(S state) {
    const auto states = world_.status().incidents;
    const auto it = states.find(state);
    return it == states.end() ? 0 : it->second;
  }

  World world_;
};

TEST_F(Deciding, WhatLosesNothingIsRepairedByTheDefault) {
  spoil(1, true);
  world_.start();
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
  EXPECT_EQ(world_.incident(1).decision->rule, "nothing-lost");
}

TEST_F(Deciding, WhatLosesBytesIsHeldByTheDefault) {
  spoil(1);
  world_.start();
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kHeld);
  EXPECT_EQ(world_.incident(1).plan->bytes_lost, 512U);
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
}

TEST_F(Deciding, ARuleToObserveOnlyWatches) {
  world_.add_file({1U << 28U, 4096}, 9, "/srv/log/x");
  world_.spoil({1U << 28U, 512});
  world_.start();
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kObserving);
}

TEST_F(Deciding, WhatWasRefusedIsPlannedAgainWhereAnotherPolicyAllowsMoreMethods) {
  const ByteRange free{64U << 20U, 512};
  world_.spoil(free);
  world_.start();
  world_.settle();
  ASSERT_EQ(world_.shown(1), S::kBlocked);
  const std::size_t asked = world_.all<AskPlan>().size();
  world_.load_policy(kDefaultPolicy);
  world_.settle();
  EXPECT_THAT(world_.all<AskPlan>(), testing::SizeIs(asked)) << "nothing has changed";
  world_.load_policy(R"({"rules": [{"name": "f", "then": {"action": "repair", "methods": ["frozen-write"]}}]})");
  world_.settle();
  ASSERT_GT(world_.all<AskPlan>().size(), asked);
  EXPECT_THAT(world_.all<AskPlan>().back().request.methods, testing::Contains(Method::kFrozenWrite));
  EXPECT_EQ(world_.shown(1), S::kBlocked) << "this world refuses it again";
}

TEST_F(Deciding, FactsThatRulesNeedAreAskedFor) {
  spoil(1);
  world_.start();
  EXPECT_THAT(world_.all<Observe>().front().request.facts, testing::Contains(protocol::Fact::kNames));
}

TEST_F(Deciding, NamesAreAskedForThoughNoRuleNeedsThem) {
  spoil(1);
  world_.start({}, kRepairAll);
  const protocol::ObserveRequest request = world_.all<Observe>().front().request;
  EXPECT_THAT(request.facts, testing::Contains(protocol::Fact::kNames));
  EXPECT_LE(request.names_ms, 5000U) << "a repair waits for them";
}

TEST_F(Deciding, ARuleThatNeedsNamesWaitsLongerForThem) {
  spoil(1);
  world_.start();
  EXPECT_GE(world_.all<Observe>().front().request.names_ms, 30'000U);
}

TEST_F(Deciding, WithoutNamesARuleThatNeedsNoneDecides) {
  world_.find_names = false;
  spoil(1);
  world_.start({}, kRepairAll);
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
  EXPECT_THAT(world_.incident(1).owners.front().paths, IsEmpty());
}

TEST_F(Deciding, WithoutNamesARuleThatNeedsThemDoesNotRepair) {
  world_.find_names = false;
  spoil(1);
  world_.start({}, R"({"rules": [{"name": "a", "when": {"path": "/srv/a"}, "then": {"action": "repair"}}]})");
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kHeld);
}

TEST_F(Deciding, APolicyThatNeedsNamesLooksForThemAgain) {
  world_.find_names = false;
  spoil(1);
  world_.start({}, R"({"rules": [{"name": "ask", "then": {"action": "hold"}}]})");
  world_.settle();
  ASSERT_EQ(world_.shown(1), S::kHeld);
  world_.find_names = true;
  world_.load_policy(R"({"rules": [{"name": "a", "when": {"path": "/srv/a"}, "then": {"action": "repair"}}]})");
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Deciding, AnotherPolicyDecidesAgainWhatIsNotRepairing) {
  spoil(1);
  world_.start();
  world_.settle();
  ASSERT_EQ(world_.shown(1), S::kHeld);
  world_.load_policy(kRepairAll);
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Deciding, AnotherPolicyVoidsAnApproval) {
  spoil(1);
  world_.start();
  world_.settle();
  world_.ask(OperatorVerb::kPause);
  ASSERT_EQ(world_.approve(1), std::nullopt);
  ASSERT_EQ(world_.find(1)->state(), S::kQueued);
  world_.load_policy(R"({"rules": [{"name": "ask", "then": {"action": "hold"}}]})");
  world_.settle();
  EXPECT_EQ(world_.find(1)->state(), S::kHeld);
  EXPECT_FALSE(world_.find(1)->approval);
  world_.ask(OperatorVerb::kResume);
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
}

TEST_F(Deciding, ThePolicyThatIsLoadedAgainUnchangedKeepsApprovals) {
  spoil(1);
  world_.start();
  world_.settle();
  world_.ask(OperatorVerb::kPause);
  ASSERT_EQ(world_.approve(1), std::nullopt);
  world_.load_policy(kDefaultPolicy);
  world_.ask(OperatorVerb::kResume);
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Deciding, APolicyThatDoesNotParseChangesNothing) {
  spoil(1);
  world_.start();
  world_.settle();
  world_.load_policy("{ nonsense");
  world_.settle();
  EXPECT_EQ(world_.find(1)->state(), S::kHeld);
  EXPECT_EQ(world_.find(1)->basis.rule, "");
}

TEST_F(Deciding, WithoutAPolicyNothingIsLookedAt) {
  spoil(1, true);
  world_.give(Tick{});
  world_.give(Loaded{});
  world_.find_device();
  world_.say_list();
  world_.settle();
  EXPECT_THAT(world_.all<Observe>(), IsEmpty());
}

TEST_F(Deciding, TheHourlyLimitBlocksAndLetsGoWhenThereIsRoom) {
  spoil(5, true);
  world_.start({}, limited(R"("repairs_per_hour": 3)"));
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(3));
  EXPECT_EQ(in_state(S::kBlocked), 2U);
  EXPECT_THAT(world_.find(5)->incident.reason, HasSubstr("3 repairs per hour"));
  world_.pass(std::chrono::minutes(59));
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(3));
  world_.pass(std::chrono::minutes(2));
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(5));
}

TEST_F(Deciding, ALimitOfNoneHoldsForAPersonWhoMayPass) {
  spoil(1, true);
  world_.start({}, limited(R"("repairs_per_hour": 0)"));
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kHeld);
  EXPECT_EQ(world_.approve(1), std::nullopt);
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Deciding, TheDailyLossIsLimited) {
  spoil(3);
  world_.start({}, limited(R"("lost_bytes_per_day": 1024)"));
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(2));
  EXPECT_EQ(world_.find(3)->state(), S::kBlocked);
  world_.pass(std::chrono::hours(25));
  world_.settle();
  EXPECT_EQ(world_.shown(3), S::kRepaired);
}

TEST_F(Deciding, ALossLargerThanAWholeDayMayLoseIsHeld) {
  world_.spoil({kFile.offset, 2048});
  world_.start({}, limited(R"("lost_bytes_per_day": 1024)"));
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kHeld);
}

TEST_F(Deciding, ADeviceThatFailsAsAWholeIsNotRepairedWithoutAPerson) {
  spoil(5, true);
  world_.start({}, limited(R"("open_incidents_per_device": 4)"));
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
  EXPECT_EQ(in_state(S::kHeld), 5U);
}

TEST_F(Deciding, ARecurrenceIsHeldUnlessARuleNamesIt) {
  spoil(1, true);
  world_.start();
  world_.settle();
  ASSERT_EQ(world_.shown(1), S::kRepaired);
  spoil(1, true);
  world_.say_list();
  world_.settle();
  ASSERT_EQ(world_.shown(2), S::kHeld);
  EXPECT_EQ(world_.incident(2).seen, 2U);
  world_.load_policy(
      R"({"rules": [{"name": "again", "when": {"owner": "file", "recurrence": true}, "then": {"action": "repair"}}]})");
  world_.settle();
  EXPECT_EQ(world_.shown(2), S::kRepaired);
}

TEST_F(Deciding, AMethodThatTheRuleDoesNotAllowIsPlannedAgainAndThenHeld) {
  spoil(1);
  world_.start(
      {},
      R"({"rules": [{"name": "r", "when": {"bytes_lost": {"min": 1}}, "then": {"action": "repair", "methods": ["redirty"]}}]})");
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kHeld);
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
  EXPECT_LE(world_.all<AskPlan>().size(), 2U);
}

TEST_F(Deciding, APlanForOtherUnitsIsNotBelieved) {
  spoil(1, true);
  world_.hold("plan");
  world_.start();
  world_.settle();
  World other;
  other.add_file(kFile, 131, "/srv/a");
  other.spoil({kFile.offset + 65536, 512}, true);
  other.start();
  other.settle();
  const Plan plan = other.all<RunJob>().front().request.plan;
  world_.give(Planned{world_.all<AskPlan>().back().query, plan});
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
  EXPECT_EQ(world_.find(1)->state(), S::kDetected);
}

TEST_F(Deciding, RulesAboutTheTimeOfDayAreAskedEveryMinute) {
  spoil(1, true);
  world_.start({}, R"({"rules": [{"name": "night", "when": {"owner": "file", "time": {"from": "22:00", "to": "06:00"}},
                                  "then": {"action": "repair"}}]})");
  world_.settle();
  ASSERT_EQ(world_.shown(1), S::kHeld);
  const auto timers = world_.all<ArmTimer>();
  ASSERT_FALSE(timers.empty());
  ASSERT_TRUE(timers.back().at);
  world_.give(
      Tick{*timers.back().at, WallTime(std::chrono::seconds(1'800'000'100)), LocalTime{Weekday::kMonday, 23 * 60}});
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

}  // namespace
}  // namespace pmend::engine
