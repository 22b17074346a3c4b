// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

#include <gmock/gmock.h>

namespace pmend::engine {
namespace {

using S = IncidentState;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr ByteRange kSmallFile{1U << 20U, 1U << 20U};

class Detecting : public testing::Test {
 protected:
  Detecting() { world_.add_file(kSmallFile, 131, "/srv/a"); }
  void start_with(ByteRange bad) {
    world_.spoil(bad);
    world_.start();
    world_.settle();
  }

  World world_;
};

TEST_F(Detecting, SectorsInAdjoiningUnitsOfOneFileAreOneIncident) {
  world_.spoil({kSmallFile.offset, 512});
  world_.spoil({kSmallFile.offset + 4096 + 512, 1024});
  start_with({kSmallFile.offset + 8192, 512});
  ASSERT_THAT(world_.cases(), SizeIs(1));
  EXPECT_EQ(world_.find(1)->incident.device_range, (ByteRange{kSmallFile.offset, 8192 + 512}));
  EXPECT_EQ(world_.find(1)->incident.seen, 1U);
  EXPECT_THAT(world_.find(1)->incident.sources, ElementsAre("badblocks"));
}

TEST_F(Detecting, AGapOfAUnitMakesTwo) {
  world_.spoil({kSmallFile.offset, 512});
  start_with({kSmallFile.offset + 8192, 512});
  EXPECT_THAT(world_.cases(), SizeIs(2));
}

TEST_F(Detecting, AnotherOwnerInTheNextUnitMakesTwo) {
  world_.add_file({kSmallFile.end(), 8192}, 132, "/srv/b");
  start_with({kSmallFile.end() - 512, 1024});
  ASSERT_THAT(world_.cases(), SizeIs(2));
  EXPECT_EQ(world_.find(1)->incident.owners.front().file->inode, 131U);
  EXPECT_EQ(world_.find(2)->incident.owners.front().file->inode, 132U);
}

TEST_F(Detecting, AListOf512EntriesIsTakenInOneInput) {
  for (std::uint64_t i = 0; i < 512; ++i) {
    world_.spoil({(4U << 20U) + i * 8192, 512});
  }
  world_.add_file({4U << 20U, 512 * 8192}, 140, "/srv/big");
  world_.start();
  EXPECT_THAT(world_.cases(), SizeIs(512));
  world_.settle();
  EXPECT_EQ(world_.status().incidents, (std::map<S, std::size_t>{{S::kHeld, 512}}));
}

TEST_F(Detecting, TheSameListAgainChangesNothing) {
  start_with({kSmallFile.offset, 512});
  const std::string before = world_.transcript();
  world_.say_list();
  world_.say_list();
  EXPECT_EQ(lines_of(world_.give(MountsChanged{})), "");
  EXPECT_THAT(world_.cases(), SizeIs(1));
  EXPECT_EQ(world_.find(1)->state(), S::kHeld);
  EXPECT_GT(world_.transcript().size(), before.size());
}

TEST_F(Detecting, AListBeforeItsDeviceIsNotLost) {
  world_.spoil({kSmallFile.offset, 512});
  world_.give(Tick{});
  world_.say_list();
  world_.give(Loaded{});
  world_.load_policy(kDefaultPolicy);
  EXPECT_THAT(world_.cases(), IsEmpty());
  world_.find_device();
  EXPECT_THAT(world_.cases(), SizeIs(1));
}

TEST_F(Detecting, ADeviceBeforeTheLedgerIsNotLost) {
  world_.spoil({kSmallFile.offset, 512});
  world_.find_device();
  world_.say_list();
  EXPECT_THAT(world_.all<Record>(), IsEmpty());
  world_.give(Loaded{});
  world_.load_policy(kDefaultPolicy);
  world_.settle();
  EXPECT_EQ(world_.find(1)->state(), S::kHeld);
}

TEST_F(Detecting, AHeldIncidentThatGrowsIsPlannedAgainAndItsApprovalIsVoid) {
  start_with({kSmallFile.offset, 512});
  ASSERT_EQ(world_.find(1)->state(), S::kHeld);
  const std::string hash = world_.find(1)->incident.plan->hash;
  world_.spoil({kSmallFile.offset + 1024, 512});
  world_.say_list();
  world_.settle();
  ASSERT_THAT(world_.cases(), SizeIs(1));
  EXPECT_EQ(world_.find(1)->state(), S::kHeld);
  EXPECT_EQ(world_.find(1)->incident.plan->bytes_bad, 1024U);
  EXPECT_EQ(world_.ask(OperatorVerb::kApprove, 1, hash), OperatorError::kStalePlan);
}

TEST_F(Detecting, ATruncatedListTakesNothingAway) {
  start_with({kSmallFile.offset, 512});
  world_.mend({kSmallFile.offset, 512});
  world_.say_list(false);
  world_.settle();
  EXPECT_EQ(world_.find(1)->state(), S::kHeld);
  EXPECT_THAT(world_.all<Observe>(), SizeIs(1));
}

TEST_F(Detecting, ClearedNeedsACompleteListAndADirectRead) {
  start_with({kSmallFile.offset, 512});
  world_.mend({kSmallFile.offset, 512});
  world_.hold("observe");
  world_.say_list();
  EXPECT_EQ(world_.find(1)->state(), S::kDetected);
  world_.let("observe");
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kCleared);
  EXPECT_EQ(world_.find(1), nullptr);
  EXPECT_NE(world_.incident(1).reason.find("/srv/a"), std::string::npos);
}

TEST_F(Detecting, WhatIsGoneBeforeAnybodyAskedForItsOwnersIsNamedToo) {
  world_.hold("observe");
  start_with({kSmallFile.offset, 512});
  ASSERT_EQ(world_.find(1)->state(), S::kDetected);
  world_.mend({kSmallFile.offset, 512});
  world_.say_list();
  world_.let("observe");
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kCleared);
  EXPECT_NE(world_.incident(1).reason.find("/srv/a (512 bytes at 0)"), std::string::npos);
}

TEST_F(Detecting, AFileWhoseNameIsNotKnownIsNamedByItsInode) {
  world_.find_names = false;
  start_with({kSmallFile.offset, 512});
  world_.mend({kSmallFile.offset, 512});
  world_.say_list();
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kCleared);
  EXPECT_NE(world_.incident(1).reason.find("content of inode "), std::string::npos);
}

TEST_F(Detecting, FreeSpaceThatIsClearedHasNoContent) {
  const ByteRange free{64U << 20U, 512};
  start_with(free);
  world_.mend(free);
  world_.say_list();
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kCleared);
  EXPECT_EQ(world_.incident(1).reason.find("content"), std::string::npos);
}

TEST_F(Detecting, AReadThatFailsIsNotCleared) {
  start_with({kSmallFile.offset, 512});
  world_.give(MediaErrors{{}, {"/dev/loop7", "loop:test", "badblocks", {}, true}});
  world_.settle();  // the medium is still bad: the observer sees it
  EXPECT_NE(world_.find(1), nullptr);
  EXPECT_NE(world_.shown(1), S::kCleared);
}

TEST_F(Detecting, APartThatIsGoneIsTakenOut) {
  world_.spoil({kSmallFile.offset, 1024});
  start_with({kSmallFile.offset + 4096, 512});
  world_.mend({kSmallFile.offset, 1024});
  world_.say_list();
  world_.settle();
  ASSERT_NE(world_.find(1), nullptr);
  EXPECT_EQ(world_.find(1)->incident.device_range, (ByteRange{kSmallFile.offset + 4096, 512}));
  EXPECT_EQ(world_.find(1)->incident.plan->bytes_bad, 512U);
}

TEST_F(Detecting, ReadsAgainButStillListedEndsUnobservableAndNeverCleared) {
  start_with({kSmallFile.offset, 512});
  world_.mend({kSmallFile.offset, 512});
  world_.give(MediaErrors{{}, {"/dev/loop7", "loop:test", "ars", {{kSmallFile.offset, 512}}, false}});
  world_.say_list();
  world_.ask(OperatorVerb::kRetry, 1);
  for (int i = 0; i < 10; ++i) {
    world_.settle();
    world_.pass(std::chrono::seconds(60));
  }
  EXPECT_EQ(world_.find(1)->state(), S::kUnobservable);
}

TEST_F(Detecting, AGapAsksForTheListsAgain) {
  start_with({kSmallFile.offset, 512});
  world_.spoil({kSmallFile.offset + (1U << 19U), 512});  // nobody said so
  world_.give(Gap{{"badblocks", "overflow", {}}});
  ASSERT_THAT(world_.all<List>(), SizeIs(1));
  world_.settle();
  EXPECT_THAT(world_.cases(), SizeIs(2));
}

TEST_F(Detecting, AListThatFailsIsAskedAgainLater) {
  start_with({kSmallFile.offset, 512});
  world_.hold("list");
  world_.give(Gap{{"badblocks", "overflow", {}}});
  world_.give(ObserveFailed{world_.all<List>().back().query, {protocol::ErrorCode::kTimedOut, "slow"}});
  EXPECT_THAT(world_.all<List>(), SizeIs(1));
  world_.pass(std::chrono::seconds(1));
  EXPECT_THAT(world_.all<List>(), SizeIs(2));
}

TEST_F(Detecting, ADeviceThatGoesTakesItsIncidentsOutOfSightAndBringsThemBack) {
  start_with({kSmallFile.offset, 512});
  world_.lose_device();
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kUnobservable);
  world_.find_device();
  world_.say_list();
  world_.settle();
  EXPECT_EQ(world_.shown(1), S::kHeld);
}

TEST_F(Detecting, ALostObserverIsNoReasonToForgetOrToClear) {
  world_.hold("observe");
  start_with({kSmallFile.offset, 512});
  const QueryId stale = world_.all<Observe>().back().query;
  world_.give(WorkerGone{{}, "killed"});
  EXPECT_EQ(world_.find(1)->state(), S::kDetected);
  world_.give(Observed{stale, {}});
  EXPECT_EQ(world_.find(1)->state(), S::kDetected);
  world_.let("observe");
  world_.find_device();
  world_.say_list();
  world_.settle();
  EXPECT_EQ(world_.find(1)->state(), S::kHeld);
}

TEST_F(Detecting, FreeSpaceAndMetadataAreNamedAndBlocked) {
  world_.add_extent({{0, 4096}, OwnerKind::kMetadata, 0, ""});
  world_.spoil({0, 512});
  start_with({1U << 29U, 512});
  EXPECT_EQ(world_.find(1)->state(), S::kBlocked);
  EXPECT_EQ(world_.find(1)->incident.reason, "metadata is never written");
  EXPECT_EQ(world_.find(2)->state(), S::kBlocked);
  EXPECT_THAT(world_.all<RunJob>(), IsEmpty());
}

TEST_F(Detecting, AnUnknownOwnerIsUnresolvedUntilMountsChange) {
  world_.add_extent({{0, 4096}, OwnerKind::kUnknown, 0, ""});
  start_with({0, 512});
  EXPECT_EQ(world_.find(1)->state(), S::kUnresolved);
  EXPECT_EQ(world_.find(1)->incident.reason, "owner not known: not mounted");
  world_.give(MountsChanged{});
  world_.settle();
  EXPECT_THAT(world_.all<Observe>(), SizeIs(2));
}

TEST_F(Detecting, AnAnswerThatAChangeOfMountsOvertookIsAskedForAgain) {
  world_.add_extent({{0, 4096}, OwnerKind::kUnknown, 0, ""});
  world_.hold("observe");
  start_with({0, 512});
  world_.give(MountsChanged{});
  world_.let("observe");
  world_.settle();
  EXPECT_THAT(world_.all<Observe>(), SizeIs(2));
  EXPECT_EQ(world_.find(1)->state(), S::kUnresolved);
}

TEST_F(Detecting, AnUnknownOwnerIsLookedForThreeTimesWithPauses) {
  world_.add_extent({{0, 4096}, OwnerKind::kUnknown, 0, ""});
  start_with({0, 512});
  for (int i = 1; i <= 3; ++i) {
    ASSERT_THAT(world_.all<Observe>(), SizeIs(i));
    EXPECT_EQ(world_.find(1)->state(), S::kUnresolved);
    world_.pass(std::chrono::seconds(60));
    world_.settle();
  }
  world_.pass(std::chrono::hours(1));
  EXPECT_THAT(world_.all<Observe>(), SizeIs(3));
}

TEST_F(Detecting, AFileThatWentBeforeItWasPlannedIsLookedForAgainThreeTimes) {
  world_.hold("plan");
  start_with({kFile.offset, 512});
  for (int i = 1; i <= 3; ++i) {
    ASSERT_THAT(world_.all<AskPlan>(), SizeIs(i));
    world_.give(PlanRefused{world_.all<AskPlan>().back().query, {RefusalState::kUnresolved, "stale handle"}});
    EXPECT_EQ(world_.find(1)->state(), S::kUnresolved);
    world_.pass(std::chrono::seconds(60));
    world_.settle();
  }
  world_.pass(std::chrono::hours(1));
  EXPECT_THAT(world_.all<AskPlan>(), SizeIs(3));
}

TEST_F(Detecting, AnObserverThatCannotLookIsAskedThreeTimesWithPauses) {
  world_.hold("observe");
  start_with({kSmallFile.offset, 512});
  for (int i = 1; i <= 3; ++i) {
    ASSERT_THAT(world_.all<Observe>(), SizeIs(i));
    world_.give(ObserveFailed{world_.all<Observe>().back().query, {protocol::ErrorCode::kTimedOut, "slow"}});
    world_.pass(std::chrono::seconds(60));
  }
  world_.pass(std::chrono::hours(1));
  EXPECT_THAT(world_.all<Observe>(), SizeIs(3));
  EXPECT_EQ(world_.find(1)->state(), S::kUnobservable);
}

TEST_F(Detecting, AnAnswerFromBeforeTheDeviceWentIsNotTakenForTheNewOne) {
  world_.hold("observe");
  start_with({kSmallFile.offset, 512});
  const QueryId before = world_.all<Observe>().back().query;
  world_.lose_device();
  world_.find_device();
  world_.say_list();
  ASSERT_THAT(world_.all<Observe>(), SizeIs(2));
  world_.give(Observed{before, {world_.device(), "boot", {}}});
  EXPECT_EQ(world_.find(1)->state(), S::kDetected);
  EXPECT_THAT(world_.all<Observe>(), SizeIs(2)) << "one question at a time";
}

TEST_F(Detecting, AnAnswerForAnotherDeviceIsNotBelieved) {
  world_.hold("observe");
  start_with({kSmallFile.offset, 512});
  protocol::Observation other{world_.device(), "boot", {}};
  other.device.device_id = "loop:other";
  world_.give(Observed{world_.all<Observe>().back().query, other});
  EXPECT_EQ(world_.find(1)->state(), S::kDetected);
}

TEST_F(Detecting, AWholeBadDeviceDoesNotBecomeAMillionIncidents) {
  start_with({0, 1U << 30U});
  EXPECT_LE(world_.cases().size(), 2 * 4096U);
}

}  // namespace
}  // namespace pmend::engine
