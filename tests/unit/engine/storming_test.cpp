// SPDX-License-Identifier: Apache-2.0
// Errors that spread on one medium.
#include "pmend/engine/messages.hpp"
#include "world.hpp"
#include "world_memory.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace pmend::engine {
namespace {

using S = IncidentState;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string policy_with(std::uint64_t limit) {
  return R"({"rules": [{"name": "all", "when": {"owner": "file"}, "then": {"action": "repair"}}],
             "limits": {"storm_incidents_per_hour": )" +
         std::to_string(limit) + "}}";
}

class Storming : public testing::Test {
 protected:
  Storming() { world_.add_file(kFile, 131, "/srv/a"); }

  // One more incident of its own, which would be repaired.
  void another() {
    world_.spoil({kFile.offset + 8192 * count_++, 512}, true);
    world_.say_list();
    world_.settle();
  }
  void several(int count) {
    for (int i = 0; i < count; ++i) {
      another();
    }
  }
  std::size_t messages(std::string_view id) const {
    const auto logs = world_.all<Log>();
    return static_cast<std::size_t>(
        std::count_if(logs.begin(), logs.end(), [&](const Log& log) { return log.record.message_id == id; }));
  }

  World world_;
  WorldMemory memory_;
  std::uint64_t count_ = 0;
};

TEST_F(Storming, OneMoreThanTheLimitWithinAnHourStopsRepairsThere) {
  world_.start({}, policy_with(3));
  several(3);
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(3));
  EXPECT_THAT(world_.status().storms, IsEmpty());
  another();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(3));
  ASSERT_EQ(world_.shown(4), S::kHeld);
  EXPECT_THAT(world_.incident(4).reason, HasSubstr("errors spread on this device: there were 4 new incidents"));
  EXPECT_EQ(world_.status().storms.at("/dev/loop7"),
            (pmend::Storm{WallTime(std::chrono::seconds(1'800'000'000)), 4, 3}));
  EXPECT_EQ(messages(kStormMessageId), 1U);
}

TEST_F(Storming, WatchingAndReportingGoOn) {
  world_.start({}, policy_with(1));
  several(4);
  EXPECT_EQ(world_.shown(4), S::kHeld);
  EXPECT_TRUE(world_.incident(4).plan);
  EXPECT_EQ(messages(kStormMessageId), 1U) << "said once";
}

TEST_F(Storming, WhatComesAtOnceIsHeldWholeAlsoWhatWasQueued) {
  world_.hold("proceed");
  world_.start({}, policy_with(3));
  several(3);  // one is in work, two wait
  ASSERT_EQ(world_.shown(3), S::kQueued);
  another();
  EXPECT_EQ(world_.shown(2), S::kHeld);
  EXPECT_EQ(world_.shown(3), S::kHeld);
  EXPECT_EQ(world_.shown(4), S::kHeld);
  world_.let("proceed");
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired) << "what was begun is finished";
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(1));
}

TEST_F(Storming, AJobWhoseBeginningIsBeingRecordedIsCalledOff) {
  world_.start({}, policy_with(1));
  world_.hold("record");
  another();
  ASSERT_EQ(world_.find(1)->state(), S::kRepairing);
  another();
  world_.let("record");
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
  EXPECT_EQ(world_.shown(1), S::kHeld);
}

TEST_F(Storming, SpreadOverTimeItIsNone) {
  world_.start({}, policy_with(3));
  for (int i = 0; i < 12; ++i) {
    another();
    world_.pass(std::chrono::minutes(20));
  }
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(12));
}

TEST_F(Storming, DoesNotEndByItself) {
  world_.start({}, policy_with(1));
  several(2);
  ASSERT_EQ(world_.shown(2), S::kHeld);
  world_.pass(std::chrono::hours(30));
  another();
  world_.load_policy(policy_with(1));
  world_.settle();
  EXPECT_EQ(world_.shown(3), S::kHeld);
  EXPECT_THAT(world_.status().storms, SizeIs(1));
}

TEST_F(Storming, APersonEndsItAndItIsCountedAnew) {
  world_.start({}, policy_with(2));
  several(4);
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(2));
  EXPECT_EQ(world_.resume_device("/dev/other"), OperatorError::kNotFound);
  EXPECT_EQ(world_.resume_device(), std::nullopt);
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(4));
  EXPECT_THAT(world_.status().storms, IsEmpty());
  EXPECT_EQ(messages(kStormEndedMessageId), 1U);
  several(2);
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(6));
  another();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(6));
  EXPECT_THAT(world_.status().storms, SizeIs(1));
}

TEST_F(Storming, ThePauseOfAllOfPmendIsAnotherThing) {
  world_.start({}, policy_with(1));
  several(2);
  world_.ask(OperatorVerb::kPause);
  EXPECT_EQ(world_.ask(OperatorVerb::kResume), std::nullopt);
  world_.settle();
  EXPECT_EQ(world_.shown(2), S::kHeld);
}

TEST_F(Storming, ALimitThatIsHighEnoughEndsItALowerOneDoesNot) {
  world_.start({}, policy_with(2));
  several(4);
  world_.load_policy(policy_with(1));
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(2));
  world_.load_policy(policy_with(3));
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(2)) << "four are still more than three";
  world_.load_policy(policy_with(4));
  world_.settle();
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(4));
  EXPECT_THAT(world_.status().storms, IsEmpty());
}

TEST_F(Storming, ALowerLimitMayBeginOne) {
  world_.start({}, policy_with(9));
  several(3);
  world_.load_policy(policy_with(2));
  world_.settle();
  EXPECT_THAT(world_.status().storms, SizeIs(1));
}

TEST_F(Storming, WhatAPersonApprovesSinceIsRepaired) {
  world_.start({}, policy_with(1));
  several(2);
  ASSERT_EQ(world_.approve(2), std::nullopt);
  world_.settle();
  EXPECT_EQ(world_.shown(2), S::kRepaired);
  EXPECT_THAT(world_.status().storms, SizeIs(1));
}

TEST_F(Storming, AnApprovalFromBeforeDoesNotCountForNobodyKnewThen) {
  const std::string ask = R"({"rules": [{"name": "ask", "then": {"action": "hold"}}],
                              "limits": {"storm_incidents_per_hour": 1}})";
  world_.start({}, ask);
  another();
  world_.ask(OperatorVerb::kPause);
  ASSERT_EQ(world_.approve(1), std::nullopt);
  ASSERT_EQ(world_.find(1)->state(), S::kQueued);
  world_.pass(std::chrono::seconds(10));
  another();
  world_.ask(OperatorVerb::kResume);
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kHeld);
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
  ASSERT_EQ(world_.approve(1), std::nullopt);
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kRepaired);
}

TEST_F(Storming, SurvivesARestart) {
  world_.start({}, policy_with(2));
  several(3);
  world_.pass(std::chrono::hours(2));
  memory_.restart(world_, policy_with(2));
  EXPECT_THAT(world_.status().storms, SizeIs(1));
  EXPECT_EQ(world_.shown(3), S::kHeld);
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(2));
  EXPECT_EQ(world_.resume_device(), std::nullopt);
  world_.settle();
  memory_.restart(world_, policy_with(2));
  EXPECT_THAT(world_.status().storms, IsEmpty());
  EXPECT_EQ(world_.shown(3), std::nullopt) << "it was repaired";
}

TEST_F(Storming, WhatWasNewBeforeARestartCounts) {
  world_.start({}, policy_with(2));
  several(2);
  world_.pass(std::chrono::minutes(10));
  memory_.restart(world_, policy_with(2));
  another();
  EXPECT_THAT(world_.status().storms, SizeIs(1));
  world_.resume_device();
  world_.pass(std::chrono::seconds(1));
  another();
  memory_.restart(world_, policy_with(2));
  EXPECT_THAT(world_.status().storms, IsEmpty()) << "only what came after the person counts";
}

TEST_F(Storming, ARestartWithAHighEnoughLimitEndsIt) {
  world_.start({}, policy_with(1));
  several(2);
  memory_.restart(world_, policy_with(5));
  EXPECT_THAT(world_.status().storms, IsEmpty());
  EXPECT_EQ(world_.shown(2), S::kRepaired);
}

TEST_F(Storming, DevicesOnOneRegionOfMemoryShareIt) {
  protocol::PmemInfo pmem;
  pmem.bus = "ACPI.NFIT";
  pmem.region = "region0";
  world_.pmem = pmem;
  world_.start({}, policy_with(2));
  protocol::DeviceInfo other = world_.device();
  other.device = "/dev/loop8";
  other.device_id = "loop:other";
  world_.give(DeviceFound{other});
  world_.give(MediaErrors{{}, {"/dev/loop8", "loop:other", "badblocks", {{0, 512}, {65536, 512}}, true}});
  another();
  EXPECT_EQ(world_.status().storms.size(), 2U) << "three on the modules of both";
  EXPECT_EQ(world_.shown(3), S::kHeld);
  EXPECT_EQ(world_.resume_device("/dev/loop8"), std::nullopt);
  world_.settle();
  EXPECT_THAT(world_.status().storms, IsEmpty());
  EXPECT_EQ(world_.shown(3), S::kRepaired);
}

TEST_F(Storming, OnAnotherMediumItIsNone) {
  world_.start({}, policy_with(2));
  protocol::DeviceInfo other = world_.device();
  other.device = "/dev/loop8";
  other.device_id = "loop:other";
  world_.give(DeviceFound{other});
  world_.give(
      MediaErrors{{}, {"/dev/loop8", "loop:other", "badblocks", {{0, 512}, {65536, 512}, {131072, 512}}, true}});
  world_.settle();
  another();
  EXPECT_EQ(world_.status().storms.size(), 1U);
  EXPECT_TRUE(world_.status().storms.contains("/dev/loop8"));
  EXPECT_THAT(world_.all<RunJob>(), SizeIs(1)) << "the one on the first device";
}

}  // namespace
}  // namespace pmend::engine
