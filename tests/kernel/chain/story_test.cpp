// SPDX-License-Identifier: Apache-2.0
// One incident at a time through the whole of pmend, with the policy that ships.
#include "kernel/kernel_test.hpp"
#include "support/chain.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmend::world {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;

class ChainStory : public KernelTest, public ::testing::WithParamInterface<FsType> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (!IsSkipped()) {
      world_ = std::make_unique<World>(WorldOptions{.fs = {.type = GetParam()}});
      world_->medium().set_mode("write=clear");
      chain_ = std::make_unique<Chain>(std::vector<World*>{world_.get()}, std::vector<PolicyFile>{default_policy()});
      chain_->start();
    }
  }

  World& world() { return *world_; }
  Chain& chain() { return *chain_; }
  // The incident about a piece of a file, once it has this state.
  json wait_for_state(const FileModel& file, const ByteRange& range, const std::string& state) {
    return chain().wait_for_state(world().loop().node(), world().device_range(file, range), state);
  }

 private:
  std::unique_ptr<World> world_;
  std::unique_ptr<Chain> chain_;
};

TEST_P(ChainStory, WhatIsCachedIsHealedAtOnceAndNothingIsLost) {
  const FileModel& file = world().tree().file("linked/first");
  world().poison_cached(file, {512, 512});
  const json incident = wait_for_state(file, {512, 512}, "repaired");
  EXPECT_EQ(incident.at("plan").at("bytes_lost"), 0);
  EXPECT_THAT(world().medium().poisoned(), IsEmpty());
  EXPECT_THAT(world().compare(), IsEmpty());
}

TEST_P(ChainStory, ALossWaitsForAPersonAndForThatVeryPlan) {
  FileModel& file = world().tree().file("linked/first");
  world().fs().drop_caches();
  world().medium().poison(world().device_range(file, {512, 512}));
  const json held = wait_for_state(file, {512, 512}, "held");
  const std::string id = std::to_string(held.at("id").get<std::uint64_t>());
  EXPECT_EQ(held.at("plan").at("bytes_lost"), 512);
  EXPECT_NE(chain().try_ctl({"approve", id, "--plan", std::string(64, 'a')}).status, 0);
  EXPECT_FALSE(world().medium().poisoned().empty());
  chain().ctl({"approve", id, "--plan", held.at("plan").at("hash")});
  wait_for_state(file, {512, 512}, "repaired");
  file.zeros.insert({512, 512});
  EXPECT_THAT(world().medium().poisoned(), IsEmpty());
  EXPECT_THAT(world().compare(), IsEmpty());
}

TEST_P(ChainStory, ConsentToAPlanThatHasChangedIsRefused) {
  FileModel& file = world().tree().file("linked/first");
  world().fs().drop_caches();
  world().medium().poison(world().device_range(file, {512, 512}));
  const json before = wait_for_state(file, {512, 512}, "held");
  const std::string id = std::to_string(before.at("id").get<std::uint64_t>());
  // More goes bad before the person has made up their mind.
  world().medium().poison(world().device_range(file, {1024, 512}));
  const json now = chain().wait_for(
      [](const json& incident) {
        return incident.at("state") == "held" && incident.at("plan").at("bytes_lost") == 1024;
      },
      std::chrono::seconds(20));
  EXPECT_EQ(now.at("id"), before.at("id"));
  EXPECT_NE(chain().try_ctl({"approve", id, "--plan", before.at("plan").at("hash")}).status, 0);
  EXPECT_EQ(RangeSet(world().medium().poisoned()).total_bytes(), 1024U);
  chain().ctl({"approve", id, "--plan", now.at("plan").at("hash")});
  wait_for_state(file, {512, 1024}, "repaired");
  file.zeros.insert({512, 1024});
  EXPECT_THAT(world().medium().poisoned(), IsEmpty());
  EXPECT_THAT(world().compare(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernel, ChainStory, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return param_info.param == FsType::kXfs ? "xfs" : "ext4"; });

}  // namespace
}  // namespace pmend::world
