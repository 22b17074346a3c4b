// SPDX-License-Identifier: Apache-2.0
// Plans for files that are mapped from their medium.
#include "unit/repair/planner_facts.hpp"

#include <gmock/gmock.h>

namespace pmend::repair {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A file that is mapped from memory, allowed to be written through.
Facts dax_facts(std::vector<ByteRange> bad) {
  Facts facts(std::move(bad));
  facts.place().memory = true;
  facts.facts().file.kinds.dax = true;
  facts.request().methods = {Method::kRedirty, Method::kRecoveryWrite, Method::kRewrite};
  return facts;
}

TEST(PlannerMemory, APageOfMemoryIsRecoveredWholeAndLosesOnlyItsBadSectors) {
  const Plan plan = dax_facts({{8192 + 1024, 512}}).page(2, CacheState::kAbsent).good();
  EXPECT_EQ(plan.method, Method::kRecoveryWrite);
  ASSERT_THAT(plan.units, SizeIs(1));
  EXPECT_EQ(plan.units[0].unit, (Unit{on_device({8192, 4096}), Method::kRecoveryWrite, "ggLggggg"}));
  EXPECT_THAT(plan.lost, ElementsAre(on_device({9216, 512})));
  EXPECT_EQ(total_bytes(plan.salvageable), 3584U);
}

TEST(PlannerMemory, RecoveringTakesARuleThatNamesIt) {
  Facts facts = dax_facts({{8192, 512}});
  facts.request().methods = {Method::kRedirty, Method::kRewrite};
  EXPECT_THAT(facts.page(2, CacheState::kAbsent).refusal().reason, HasSubstr("recovery-write"));
}

TEST(PlannerMemory, WhatOnlyAMachineCheckHidesIsNotWrittenOver) {
  Facts facts = dax_facts({{8192, 4096}});
  facts.facts().list.bad = RangeSet({on_device({8192 + 1024, 512})});
  facts.request().ranges = {on_device({8192 + 1024, 512})};
  const PlanRefusal refusal = facts.page(2, CacheState::kAbsent).refusal();
  EXPECT_EQ(refusal.state, RefusalState::kBlocked);
  EXPECT_THAT(refusal.reason, HasSubstr("restart"));
}

// As a recovery-write leaves a page that took a machine check while nobody had it mapped.
Facts out_of_reach() {
  Facts facts = dax_facts({{8192, 4096}});
  facts.facts().list.bad = RangeSet();
  facts.page(2, CacheState::kAbsent);
  return facts;
}

TEST(PlannerMemory, APageOutOfReachIsRescuedWhereARuleNamesIt) {
  const PlanRefusal refusal = out_of_reach().refusal();
  EXPECT_EQ(refusal.state, RefusalState::kBlocked);
  EXPECT_THAT(refusal.reason, HasSubstr("rescue"));
  Facts facts = out_of_reach();
  facts.request().methods.push_back(Method::kRescue);
  const Plan plan = facts.good();
  EXPECT_EQ(plan.units[0].unit, (Unit{on_device({8192, 4096}), Method::kRescue, "LLLLLLLL"}));
  EXPECT_EQ(plan.method, Method::kRescue);
  EXPECT_THAT(plan.lost, ElementsAre(on_device({8192, 4096})));
}

TEST(PlannerMemory, RescueIsNotForWhatIsListed) {
  Facts facts = dax_facts({{8192, 4096}});
  facts.request().methods = {Method::kRescue};
  EXPECT_THAT(facts.page(2, CacheState::kAbsent).refusal().reason, HasSubstr("recovery-write"));
}

TEST(PlannerMemory, APageThatIsListedAsAWholeIsLostAsAWhole) {
  const Plan plan = dax_facts({{8192, 4096}}).page(2, CacheState::kAbsent).good();
  EXPECT_EQ(plan.units[0].unit.sectors, "LLLLLLLL");
  EXPECT_THAT(plan.lost, ElementsAre(on_device({8192, 4096})));
}

}  // namespace
}  // namespace pmend::repair
