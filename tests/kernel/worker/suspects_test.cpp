// SPDX-License-Identifier: Apache-2.0
// Devices that have no list of bad sectors but the one that pmend keeps, and scrubs, which fill it.
#include "worker/suspects.hpp"

#include "kernel/kernel_test.hpp"
#include "kernel/worker/repair_rig.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>

namespace pmend::world {
namespace {

using protocol::ErrorCode;
using protocol::EventKind;
using protocol::Role;
using protocol::Verb;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kMiB = 1U << 20U;

class SuspectsTest : public KernelTest, public RepairRig, public ::testing::WithParamInterface<FsType> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (!IsSkipped()) {
      start({.fs = {.type = GetParam()}}, ListKind::kOwn);
    }
  }

  // Sectors of two files, of free space, and the first and the last ones of pieces that are read at once.
  void poison_many() {
    const auto& file = world_->tree().file("linked/first");
    world_->medium().poison(std::vector<ByteRange>{world_->device_range(file, {4096, 512}),
                                                   world_->device_range(file, {8192 + 1024, 1024}),
                                                   {96 * kMiB, 512},
                                                   {100 * kMiB - 512, 512},
                                                   {world_->medium().size_bytes() - 512, 512}});
  }

  protocol::ScrubReply scrub() {
    return observer_->ask<protocol::ScrubReply>(Verb::kScrub, protocol::DeviceRequest{device_.device});
  }
  MediaErrorList list() { return observer_->ask<MediaErrorList>(Verb::kList, protocol::DeviceRequest{device_.device}); }
  // The next list that is told and has so many ranges.
  MediaErrorList told_with(std::size_t ranges) {
    while (true) {
      auto errors = observer_->event<MediaErrorList>(EventKind::kMediaErrors);
      if (errors.ranges.size() == ranges) {
        return errors;
      }
    }
  }
  // What is durable, whatever anybody says.
  std::vector<ByteRange> in_file() const {
    return must(worker::SuspectList(service_->suspect_dir(), device_.device_id).read()).ranges();
  }
  // As pmend does when its observer has gone.
  void connect_again() {
    observer_ = std::make_unique<WorkerClient>(*service_, Role::kObserve);
    observer_->ask<protocol::WatchReply>(Verb::kWatch, service_->watch_request());
    EXPECT_EQ(observer_->event<protocol::DeviceInfo>(EventKind::kDeviceFound).device_id, device_.device_id);
  }
};

TEST_P(SuspectsTest, ScrubFindsExactlyThePoisonedSectors) {
  const auto empty = observer_->event<MediaErrorList>(EventKind::kMediaErrors);
  EXPECT_THAT(empty.ranges, IsEmpty());
  EXPECT_TRUE(empty.complete);
  EXPECT_EQ(empty.source, "read");
  poison_many();
  const auto poisoned = RangeSet(world_->medium().poisoned()).ranges();
  const auto reply = scrub();
  EXPECT_EQ(reply.done, device_.size);
  EXPECT_FALSE(reply.cancelled);
  EXPECT_THAT(reply.unreadable.ranges, ElementsAreArray(poisoned));
  EXPECT_EQ(reply.unlisted, reply.unreadable);
  EXPECT_THAT(reply.unanswered.ranges, IsEmpty());
  EXPECT_THAT(in_file(), ElementsAreArray(poisoned));
  EXPECT_THAT(told_with(poisoned.size()).ranges, ElementsAreArray(poisoned));
  EXPECT_THAT(list().ranges, ElementsAreArray(poisoned));
  EXPECT_THAT(scrub().unlisted.ranges, IsEmpty());
}

TEST_P(SuspectsTest, ScrubOfAHealthyDeviceFindsNothingAndWritesNothing) {
  world_->mark_trace();
  EXPECT_THAT(scrub().unreadable.ranges, IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(service_->suspect_dir()));
  EXPECT_THAT(world_->stray_writes({}), IsEmpty());
  EXPECT_THAT(world_->compare(), IsEmpty());
}

TEST_P(SuspectsTest, ListSurvivesTheWorkersDeath) {
  poison_many();
  const auto poisoned = RangeSet(world_->medium().poisoned()).ranges();
  scrub();
  service_->kill_and_restart();
  connect_again();
  EXPECT_THAT(told_with(poisoned.size()).ranges, ElementsAreArray(poisoned));
}

TEST_P(SuspectsTest, ListIsWholeWhereverAScrubIsKilled) {
  poison_many();
  const RangeSet poisoned(world_->medium().poisoned());
  // It stands still behind the first finds.
  world_->medium().gate("hold read " + std::to_string(98 * kMiB) + " 512");
  observer_->send(Verb::kScrub, to_json(protocol::DeviceRequest{device_.device}));
  ASSERT_TRUE(world_->medium().wait_for_parked(std::chrono::seconds(20)));
  service_->kill_and_restart();
  world_->medium().gate("release");
  const auto listed = in_file();
  EXPECT_FALSE(listed.empty());
  for (const ByteRange& range : listed) {
    EXPECT_TRUE(poisoned.covers(range)) << to_string(range);
  }
  connect_again();
  EXPECT_EQ(scrub().unreadable.bytes, poisoned.total_bytes());
  EXPECT_EQ(RangeSet(in_file()), poisoned);
}

TEST_P(SuspectsTest, EntryLeavesOnlyWhenItWasReadAgain) {
  const ByteRange first{96 * kMiB, 512};
  const ByteRange second{97 * kMiB, 512};
  world_->medium().poison(std::vector<ByteRange>{first, second});
  scrub();
  told_with(2);
  world_->medium().unpoison(first);
  EXPECT_THAT(in_file(), ElementsAre(first, second)) << "nobody has read it yet";
  EXPECT_THAT(list().ranges, ElementsAre(second));
  EXPECT_THAT(in_file(), ElementsAre(second));
  EXPECT_THAT(told_with(1).ranges, ElementsAre(second));
  world_->medium().unpoison(second);
  connect_again();  // a start reads them too
  told_with(0);
  EXPECT_THAT(in_file(), IsEmpty());
}

TEST_P(SuspectsTest, WhatIsLookedAtAndCannotBeReadEntersTheList) {
  const FileModel& file = world_->tree().file("linked/first");
  const ByteRange bad = world_->device_range(file, {4096 + 512, 512});
  world_->poison(file, {4096 + 512, 512});
  const auto observation = observe(bad);
  EXPECT_EQ(observation.ranges.at(0).readable, protocol::Readable::kNo);
  EXPECT_EQ(observation.ranges.at(0).listed, protocol::Listed::kYes);
  EXPECT_THAT(in_file(), ElementsAre(bad));
  EXPECT_THAT(told_with(1).ranges, ElementsAre(bad));
  world_->medium().unpoison(bad);
  EXPECT_EQ(observe(bad).ranges.at(0).listed, protocol::Listed::kNo);
}

TEST_P(SuspectsTest, ARepairTakesWhatItHasProvenOutOfTheList) {
  FileModel& file = world_->tree().file("linked/first");
  const ByteRange lost{8192 + 1536, 512};
  const ByteRange bad = world_->device_range(file, lost);
  world_->poison(file, lost);
  scrub();
  const auto request = plan_for(bad);
  const auto reply = repair(request);
  EXPECT_EQ(reply.outcome, Outcome::kSucceeded) << reply.reason;
  ASSERT_TRUE(reply.proof.has_value());
  EXPECT_TRUE(reply.proof->badblocks_clear);
  EXPECT_THAT(in_file(), IsEmpty());
  told_with(1);
  told_with(0);
  file.zeros.insert(lost);
  EXPECT_THAT(world_->compare(), IsEmpty());
}

TEST_P(SuspectsTest, AMediumThatLiesStaysListed) {
  FileModel& file = world_->tree().file("tail");
  world_->poison(file, {4096, 512});
  const auto request = plan_for(world_->device_range(file, {4096, 512}));
  world_->medium().set_mode("write=lie");
  EXPECT_EQ(repair(request).outcome, Outcome::kPermanentFailure);
  EXPECT_THAT(in_file(), ElementsAre(world_->device_range(file, {4096, 512})));
}

TEST_P(SuspectsTest, ADamagedListIsSaidAndLeftAlone) {
  world_->medium().poison(ByteRange{96 * kMiB, 512});
  scrub();
  told_with(1);
  const worker::SuspectList list_file(service_->suspect_dir(), device_.device_id);
  const std::string damaged = "{\"version\":1,\n\"device_id\":7}";
  must(replace_file(list_file.path(), damaged));
  const auto errors = told_with(0);
  EXPECT_FALSE(errors.complete);
  EXPECT_THAT(observer_->event<protocol::Gap>(EventKind::kGap).why, HasSubstr(list_file.path() + ":2:"));
  for (const auto& ask : {std::function<void()>([this] { scrub(); }), std::function<void()>([this] { list(); })}) {
    try {
      ask();
      ADD_FAILURE() << "answered";
    } catch (const Failure& failure) {
      EXPECT_THAT(failure.what(), HasSubstr(list_file.path() + ":2:"));
    }
  }
  EXPECT_EQ(observe({96 * kMiB, 512}).ranges.at(0).listed, protocol::Listed::kUnknown);
  EXPECT_EQ(must(read_text_file(list_file.path())), damaged);
}

TEST_P(SuspectsTest, ScrubTellsHowFarItIsAndCanBeCancelled) {
  world_->medium().gate("hold read " + std::to_string(64 * kMiB) + " 512");
  const RequestId id = observer_->send(Verb::kScrub, to_json(protocol::DeviceRequest{device_.device}));
  EXPECT_THROW(scrub(), Failure) << "one of a device at a time";
  protocol::Message message = observer_->receive();
  while (!std::holds_alternative<protocol::Progress>(message) ||
         std::get<protocol::Progress>(message).done < 64 * kMiB) {
    message = observer_->receive();
  }
  EXPECT_EQ(std::get<protocol::Progress>(message).id, id);
  EXPECT_EQ(std::get<protocol::Progress>(message).total, device_.size);
  observer_->cancel(id);
  world_->medium().gate("release");
  while (!std::holds_alternative<protocol::Reply>(message)) {
    message = observer_->receive();
  }
  const auto reply = must(from_json<protocol::ScrubReply>(*std::get<protocol::Reply>(message).body));
  EXPECT_TRUE(reply.cancelled);
  EXPECT_LT(reply.done, device_.size);
  EXPECT_GE(reply.done, 64 * kMiB);
}

TEST_P(SuspectsTest, WhatIsNotWatchedIsNotScrubbed) {
  EXPECT_THROW(observer_->ask_raw(Verb::kScrub, to_json(protocol::DeviceRequest{"/dev/zero"})), Failure);
  EXPECT_THROW(observer_->ask_raw(Verb::kScrub, Json::object()), Failure);
}

INSTANTIATE_TEST_SUITE_P(Kernel, SuspectsTest, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return to_string(FsOptions{.type = param_info.param}); });

class ListFileScrubTest : public KernelTest, public RepairRig {};

TEST_F(ListFileScrubTest, TellsWhatTheListDoesNotHaveAndWritesItNowhere) {
  start({.fs = {.type = FsType::kExt4}}, ListKind::kFile);
  world_->medium().poison(std::vector<ByteRange>{{96 * kMiB, 512}, {97 * kMiB, 512}});
  const std::string text = std::to_string(96 * kMiB / 512) + " 1\n";
  must(replace_file(service_->list_file(), text));
  const auto reply = observer_->ask<protocol::ScrubReply>(Verb::kScrub, protocol::DeviceRequest{device_.device});
  EXPECT_EQ(reply.source, "list");
  EXPECT_EQ(reply.unreadable.bytes, 1024U);
  EXPECT_THAT(reply.unlisted.ranges, ElementsAre(ByteRange{97 * kMiB, 512}));
  EXPECT_EQ(must(read_text_file(service_->list_file())), text);
  EXPECT_TRUE(std::filesystem::is_empty(service_->suspect_dir()));
}

class ScrubOfASilentDeviceTest : public KernelTest, public RepairRig {};

TEST_F(ScrubOfASilentDeviceTest, WhatGivesNoAnswerIsToldAndNotListed) {
  start({.fs = {.type = FsType::kExt4}}, ListKind::kOwn);
  const ByteRange silent{96 * kMiB, 512};
  const ByteRange bad{97 * kMiB, 512};
  world_->medium().poison(bad);
  world_->medium().gate("hold read " + std::to_string(silent.offset) + " 512");
  const RequestId id =
      observer_->send(Verb::kScrub, to_json(protocol::DeviceRequest{device_.device}), std::chrono::minutes(2));
  // It gives up the piece, the smaller piece and the block, each after 11 s.
  protocol::Message message = observer_->receive();
  while (!std::holds_alternative<protocol::Reply>(message)) {
    message = observer_->receive(std::chrono::seconds(60));
  }
  EXPECT_EQ(std::get<protocol::Reply>(message).id, id);
  world_->medium().gate("release");
  const auto reply = must(from_json<protocol::ScrubReply>(*std::get<protocol::Reply>(message).body));
  EXPECT_EQ(reply.done, device_.size);
  EXPECT_THAT(reply.unanswered.ranges, ElementsAre(silent));
  EXPECT_THAT(reply.unreadable.ranges, ElementsAre(bad));
  EXPECT_THAT(must(worker::SuspectList(service_->suspect_dir(), device_.device_id).read()).ranges(), ElementsAre(bad));
}

class SuspectsOf4KnTest : public KernelTest, public RepairRig {};

TEST_F(SuspectsOf4KnTest, OneBadSectorIsListedAsItsBlockAndRepaired) {
  start({.fs = {.type = FsType::kExt4}, .loop = {.block_bytes = 4096, .partition = true}}, ListKind::kOwn);
  FileModel& file = world_->tree().file("linked/first");
  const ByteRange bad = world_->device_range(file, {8192, 4096});
  world_->poison(file, {8192 + 512, 512});
  const auto reply = observer_->ask<protocol::ScrubReply>(Verb::kScrub, protocol::DeviceRequest{device_.device});
  EXPECT_THAT(reply.unreadable.ranges, ElementsAre(bad));
  const auto repaired = repair(plan_for(bad));
  EXPECT_EQ(repaired.outcome, Outcome::kSucceeded) << repaired.reason;
  file.zeros.insert({8192, 4096});
  EXPECT_THAT(world_->compare(), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(service_->suspect_dir()));
}

}  // namespace
}  // namespace pmend::world
