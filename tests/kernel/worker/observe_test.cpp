// SPDX-License-Identifier: Apache-2.0
#include "kernel/kernel_test.hpp"
#include "kernel/worker/worker_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

namespace pmend::world {
namespace {

using protocol::EventKind;
using protocol::Role;
using protocol::Verb;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class ObserveTest : public KernelTest, public ::testing::WithParamInterface<FsType> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (IsSkipped()) {
      return;
    }
    world_ = std::make_unique<World>(WorldOptions{.fs = {.type = GetParam()}});
    service_ = std::make_unique<WorkerService>(*world_, "pmend-observer.service.in");
    client_ = std::make_unique<WorkerClient>(*service_, Role::kObserve);
  }

  protocol::WatchReply watch() { return client_->ask<protocol::WatchReply>(Verb::kWatch, service_->watch_request()); }

  protocol::Observation observe(const protocol::DeviceInfo& info, const ByteRange& range) {
    return client_->ask<protocol::Observation>(
        Verb::kObserve,
        protocol::ObserveRequest{info.device, info.device_id, {range}, {protocol::Fact::kNames}, 10'000});
  }

  std::unique_ptr<World> world_;
  std::unique_ptr<WorkerService> service_;
  std::unique_ptr<WorkerClient> client_;
};

TEST_P(ObserveTest, TellsItsRoleFirst) {
  EXPECT_EQ(client_->hello().role, Role::kObserve);
}

TEST_P(ObserveTest, FindsWhatHappenedBeforeItWatched) {
  const FileModel& file = world_->tree().file("tail");
  const ByteRange bad = world_->device_range(file, {4096, 512});
  world_->medium().poison(bad);
  EXPECT_THAT(watch().problems, IsEmpty());
  const auto info = client_->event<protocol::DeviceInfo>(EventKind::kDeviceFound);
  EXPECT_EQ(info.device, world_->loop().node());
  ASSERT_TRUE(info.filesystem.has_value());
  EXPECT_EQ(info.filesystem->mount_point, world_->fs().mount_point());
  const auto errors = client_->event<MediaErrorList>(EventKind::kMediaErrors);
  EXPECT_EQ(errors.device_id, info.device_id);
  EXPECT_TRUE(errors.complete);
  EXPECT_THAT(errors.ranges, ElementsAre(bad));
}

TEST_P(ObserveTest, NoticesEveryChangeOfTheListAsItHappens) {
  watch();
  EXPECT_THAT(client_->event<MediaErrorList>(EventKind::kMediaErrors).ranges, IsEmpty());
  for (std::uint64_t i = 1; i <= 3; ++i) {
    world_->medium().poison({i * 1048576, 512});
    EXPECT_THAT(client_->event<MediaErrorList>(EventKind::kMediaErrors).ranges, SizeIs(i));
  }
  world_->medium().unpoison({1048576, 512});
  EXPECT_THAT(client_->event<MediaErrorList>(EventKind::kMediaErrors).ranges, SizeIs(2));
}

TEST_P(ObserveTest, LongListThatKeepsChangingIsToldNowAndThen) {
  constexpr std::uint64_t kLong = 200;
  constexpr std::uint64_t kChanges = 50;
  std::vector<ByteRange> bad;
  for (std::uint64_t i = 1; i <= kLong; ++i) {
    bad.push_back({i * 8192, 512});
  }
  world_->medium().poison(bad);
  watch();
  EXPECT_THAT(client_->event<MediaErrorList>(EventKind::kMediaErrors).ranges, SizeIs(kLong));
  for (std::uint64_t i = 1; i <= kChanges; ++i) {
    world_->medium().unpoison({i * 8192, 512});
  }
  std::uint64_t told = 0;
  while (client_->event<MediaErrorList>(EventKind::kMediaErrors).ranges.size() != kLong - kChanges) {
    ++told;
  }
  EXPECT_LT(told, kChanges / 2);
}

TEST_P(ObserveTest, CutListIsToldAsIncomplete) {
  std::vector<ByteRange> many;
  for (std::uint64_t i = 0; i < 600; ++i) {
    many.push_back({64ULL * 1048576 + i * 4096, 512});
  }
  world_->medium().poison(many);
  watch();
  const auto errors = client_->event<MediaErrorList>(EventKind::kMediaErrors);
  EXPECT_FALSE(errors.complete);
  EXPECT_LT(errors.ranges.size(), 600U);
}

TEST_P(ObserveTest, NamesTheOwnerWithAllItsHardLinks) {
  const FileModel& file = world_->tree().file("linked/first");
  const ByteRange bad = world_->device_range(file, {4096 + 512, 512});
  world_->poison(file, {4096 + 512, 512});
  watch();
  const auto info = client_->event<protocol::DeviceInfo>(EventKind::kDeviceFound);
  const auto observation = observe(info, bad);
  ASSERT_THAT(observation.ranges, SizeIs(1));
  const protocol::ObservedRange& range = observation.ranges[0];
  EXPECT_EQ(range.listed, protocol::Listed::kYes);
  EXPECT_EQ(range.readable, protocol::Readable::kNo);
  ASSERT_THAT(range.owners, SizeIs(1));
  const Owner& owner = range.owners[0];
  EXPECT_EQ(owner.kind, OwnerKind::kFile);
  EXPECT_EQ(owner.file->inode, file.inode);
  EXPECT_EQ(owner.file_offset, 4096 + 512);
  EXPECT_TRUE(owner.all_names);
  const std::string root = world_->fs().mount_point() + "/";
  EXPECT_THAT(owner.paths, UnorderedElementsAre(FilePath{root + "linked/first"}, FilePath{root + "linked/second"},
                                                FilePath{root + "elsewhere/third"}));
}

TEST_P(ObserveTest, NamesFilesInDirectoriesOfOtherUsers) {
  const FileModel& file = world_->tree().file("linked/first");
  const std::string root = world_->fs().mount_point() + "/";
  for (const char* name : {"linked/first", "linked", "elsewhere"}) {
    ASSERT_EQ(chown((root + name).c_str(), 1234, 4321), 0);
    ASSERT_EQ(chmod((root + name).c_str(), 0700), 0);
  }
  watch();
  const auto info = client_->event<protocol::DeviceInfo>(EventKind::kDeviceFound);
  const auto observation = observe(info, world_->device_range(file, {4096, 512}));
  ASSERT_THAT(observation.ranges, SizeIs(1));
  const Owner& owner = observation.ranges[0].owners.at(0);
  EXPECT_EQ(owner.kind, OwnerKind::kFile) << owner.detail;
  EXPECT_TRUE(owner.all_names);
  EXPECT_THAT(owner.paths, SizeIs(3));
}

TEST_P(ObserveTest, MoreNamesThanFitIntoAMessageAreCutAndSaidToBe) {
  const FileModel& file = world_->tree().file("linked/first");
  const std::string root = world_->fs().mount_point() + "/";
  for (int i = 0; i < 400; ++i) {
    const std::string name = std::to_string(i) + std::string(240, '\xFF');
    ASSERT_EQ(link((root + "linked/first").c_str(), (root + name).c_str()), 0);
  }
  watch();
  const auto info = client_->event<protocol::DeviceInfo>(EventKind::kDeviceFound);
  const auto observation = observe(info, world_->device_range(file, {4096, 512}));
  ASSERT_THAT(observation.ranges, SizeIs(1));
  const Owner& owner = observation.ranges[0].owners.at(0);
  EXPECT_FALSE(owner.all_names);
  EXPECT_GE(owner.paths.size(), 10U);
  EXPECT_LT(owner.paths.size(), 100U);
}

TEST_P(ObserveTest, HealthyRangeIsNeitherListedNorUnreadable) {
  watch();
  const auto info = client_->event<protocol::DeviceInfo>(EventKind::kDeviceFound);
  const FileModel& file = world_->tree().file("tail");
  const auto observation = observe(info, world_->device_range(file, {0, 512}));
  ASSERT_THAT(observation.ranges, SizeIs(1));
  EXPECT_EQ(observation.ranges[0].listed, protocol::Listed::kNo);
  EXPECT_EQ(observation.ranges[0].readable, protocol::Readable::kYes);
}

TEST_P(ObserveTest, AnotherDeviceIdIsAnotherDevice) {
  watch();
  auto info = client_->event<protocol::DeviceInfo>(EventKind::kDeviceFound);
  info.device_id += "x";
  EXPECT_THROW(observe(info, {0, 512}), Failure);
}

TEST_P(ObserveTest, LocatesAFileAndItsBadRanges) {
  const FileModel& file = world_->tree().file("odd/new\nline");
  world_->poison(file, {4096, 512});
  watch();
  protocol::LocateRequest request;
  request.path = FilePath{world_->tree().path(file)};
  const auto reply = client_->ask<protocol::LocateReply>(Verb::kLocate, request);
  ASSERT_FALSE(reply.owners.empty());
  EXPECT_EQ(reply.owners.front().device_range.offset, file.extents.front().device_offset);
  EXPECT_THAT(reply.bad, ElementsAre(world_->device_range(file, {4096, 512})));
}

TEST_P(ObserveTest, PlansARewriteOfAColdSectorAndSaysWhatIsLost) {
  const FileModel& file = world_->tree().file("tail");
  const ByteRange bad = world_->device_range(file, {4096 + 1024, 512});
  world_->poison(file, {4096 + 1024, 512});
  watch();
  const auto info = client_->event<protocol::DeviceInfo>(EventKind::kDeviceFound);
  const auto observation = observe(info, bad);
  const auto reply = client_->ask<protocol::PlanReply>(
      Verb::kPlan,
      protocol::PlanRequest{
          info.device, info.device_id, {bad}, observation.ranges[0].owners, {Method::kRedirty, Method::kRewrite}});
  ASSERT_TRUE(reply.plan.has_value()) << (reply.refusal ? reply.refusal->reason : "");
  EXPECT_EQ(reply.plan->method, Method::kRewrite);
  EXPECT_THAT(reply.plan->lost, ElementsAre(bad));
  EXPECT_THAT(reply.plan->units, SizeIs(1));
}

TEST_P(ObserveTest, RefusesTheWorkOfTheOtherRole) {
  EXPECT_THROW(client_->ask_raw(Verb::kInspect, Json::object()), Failure);
}

TEST_P(ObserveTest, WritesNothingOutsideTheFileSystemsOwnMetadata) {
  const FileModel& file = world_->tree().file("tail");
  const ByteRange bad = world_->device_range(file, {4096, 512});
  world_->poison(file, {4096, 512});
  world_->mark_trace();
  watch();
  const auto info = client_->event<protocol::DeviceInfo>(EventKind::kDeviceFound);
  observe(info, bad);
  world_->tree().file("tail").unreadable.insert({4096, 512});
  EXPECT_THAT(world_->stray_writes({}), IsEmpty());
  EXPECT_THAT(world_->compare(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernel, ObserveTest, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return to_string(FsOptions{.type = param_info.param}); });

}  // namespace
}  // namespace pmend::world
