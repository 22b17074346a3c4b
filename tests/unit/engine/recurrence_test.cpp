// SPDX-License-Identifier: Apache-2.0
// Errors that come back where one was repaired and proven, and what may be no errors at all.
#include "world.hpp"
#include "world_memory.hpp"

#include <gmock/gmock.h>

namespace pmend::engine {
namespace {

using S = IncidentState;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr ByteRange kPlace{kFile.offset, 512};
constexpr const char* kAgain =
    R"({"rules": [{"name": "again", "when": {"owner": "file", "recurrence": true}, "then": {"action": "repair"}}]})";

class Recurring : public testing::Test {
 protected:
  Recurring() { world_.add_file(kFile, 131, "/srv/a"); }

  void repair_once(const ByteRange& range = kPlace) {
    world_.spoil(range, true);
    world_.say_list();
    world_.settle();
  }
  void comes_back(const ByteRange& range = kPlace) { repair_once(range); }

  World world_;
  WorldMemory memory_;
};

TEST_F(Recurring, SaysHowOftenAndWhen) {
  world_.start();
  repair_once();
  ASSERT_EQ(world_.shown(1), S::kRepaired);
  EXPECT_FALSE(world_.incident(1).recurrence);
  world_.pass(std::chrono::minutes(5));
  comes_back();
  ASSERT_EQ(world_.shown(2), S::kHeld);
  EXPECT_EQ(world_.incident(2).recurrence, (Recurrence{1, WallTime(std::chrono::seconds(1'800'000'000))}));
  world_.load_policy(kAgain);
  world_.settle();
  ASSERT_EQ(world_.shown(2), S::kRepaired);
  world_.load_policy(kDefaultPolicy);
  comes_back();
  EXPECT_EQ(world_.incident(3).recurrence, (Recurrence{2, WallTime(std::chrono::seconds(1'800'000'300))}));
  EXPECT_EQ(world_.incident(3).seen, 3U);
}

TEST_F(Recurring, IsKnownAfterARestartHoweverMuchHasHappenedSince) {
  world_.start();
  repair_once();
  for (std::uint64_t i = 1; i <= 5; ++i) {
    repair_once({kFile.offset + i * 65536, 512});
  }
  // Of the finished incidents only one comes back from the ledger, but all that was proven does.
  memory_.restart(world_, kDefaultPolicy, {1, WallTime{}});
  comes_back();
  ASSERT_EQ(world_.shown(7), S::kHeld);
  EXPECT_EQ(world_.incident(7).recurrence->repairs, 1U);
  memory_.restart(world_, kDefaultPolicy, {0, WallTime{}});
  EXPECT_EQ(world_.shown(7), S::kHeld);
  EXPECT_TRUE(world_.incident(7).recurrence);
}

TEST_F(Recurring, WhatGrowsIntoARepairedPlaceBecomesOne) {
  world_.start();
  repair_once({kFile.offset + 4096, 512});
  ASSERT_EQ(world_.shown(1), S::kRepaired);
  world_.ask(OperatorVerb::kPause);
  world_.spoil({kFile.offset, 512}, true);
  world_.say_list();
  world_.settle();
  ASSERT_EQ(world_.shown(2), S::kQueued);
  EXPECT_FALSE(world_.incident(2).recurrence);
  world_.spoil({kFile.offset + 4096, 512}, true);
  world_.say_list();
  world_.ask(OperatorVerb::kResume);
  world_.settle();
  EXPECT_EQ(world_.shown(2), S::kHeld);
  EXPECT_TRUE(world_.incident(2).recurrence);
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(1));
}

TEST_F(Recurring, ANeighbourThatWasNeverBadIsNone) {
  world_.start();
  repair_once();
  comes_back({kFile.offset + 512, 512});
  EXPECT_EQ(world_.shown(2), S::kRepaired);
  EXPECT_FALSE(world_.incident(2).recurrence);
}

TEST_F(Recurring, WhatWasClearedWithoutUsOrFailedIsNoProvenRepair) {
  world_.start({}, R"({"rules": [{"name": "ask", "then": {"action": "hold"}}]})");
  comes_back();
  world_.mend(kPlace);
  world_.say_list();
  world_.settle();
  ASSERT_EQ(world_.shown(1), S::kCleared);
  comes_back();
  EXPECT_FALSE(world_.incident(2).recurrence);
  EXPECT_EQ(world_.incident(2).seen, 1U);
}

TEST_F(Recurring, APersonMayApproveOne) {
  world_.start();
  repair_once();
  comes_back();
  ASSERT_EQ(world_.approve(2), std::nullopt);
  world_.settle();
  EXPECT_EQ(world_.shown(2), S::kRepaired);
}

TEST_F(Recurring, PhantomsAreHeldUnlessARuleNamesThem) {
  world_.phantom = true;
  world_.start();
  repair_once();
  ASSERT_EQ(world_.shown(1), S::kHeld);
  EXPECT_THAT(world_.incident(1).decision->reasons.back(), HasSubstr("phantom"));
  world_.load_policy(R"({"rules": [{"name": "p", "when": {"phantom": true}, "then": {"action": "repair"}}]})");
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

protocol::PmemInfo on_bus(const std::string& bus) {
  protocol::PmemInfo pmem;
  pmem.region = "region0";
  pmem.bus = bus;
  pmem.physical_start = 1U << 30U;
  pmem.dimms = {{"nmem0", "8089-a2-1731-00001a2b", 1, "ok"}, {"nmem1", "", 2, ""}};
  return pmem;
}

TEST_F(Recurring, WithoutRecordsNothingIsAPhantomAndWithThemItIsUnknown) {
  world_.phantom.reset();
  const std::string policy = R"({"rules": [{"name": "no-phantom", "when": {"owner": "file", "phantom": false},
                                            "then": {"action": "repair"}}]})";
  world_.start({}, policy);
  repair_once();
  EXPECT_EQ(world_.shown(1), S::kRepaired) << "an ordinary disk";
  world_.pmem = on_bus("virtio-pmem");
  world_.find_device();
  repair_once({kFile.offset + 65536, 512});
  EXPECT_EQ(world_.shown(2), S::kRepaired);
  world_.pmem = on_bus("ACPI.NFIT");
  world_.find_device();
  repair_once({kFile.offset + 131072, 512});
  ASSERT_EQ(world_.shown(3), S::kHeld);
  world_.load_policy(kDefaultPolicy);
  world_.settle();
  EXPECT_EQ(world_.shown(3), S::kRepaired) << "by a rule that does not ask";
}

TEST_F(Recurring, SaysWhereInTheMachineItLies) {
  world_.pmem = on_bus("ACPI.NFIT");
  world_.start();
  repair_once();
  const MediumPlace place{"region0", (1U << 30U) + kPlace.offset, {"nmem0 (8089-a2-1731-00001a2b)", "nmem1"}};
  EXPECT_EQ(world_.incident(1).medium, place);
}

}  // namespace
}  // namespace pmend::engine
