// SPDX-License-Identifier: Apache-2.0
// An ordinary disk, of which nobody tells pmend what is bad: from the scrub to the proven repair.
#include "kernel/kernel_test.hpp"
#include "support/chain.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace pmend::world {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;

class ChainScrub : public KernelTest, public ::testing::WithParamInterface<FsType> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (!IsSkipped()) {
      world_ = std::make_unique<World>(WorldOptions{.fs = {.type = GetParam()}});
      world_->medium().set_mode("write=clear");
    }
  }

  void start(const PolicyFile& policy) {
    chain_ = std::make_unique<Chain>(std::vector<World*>{world_.get()}, std::vector<PolicyFile>{policy}, Lists::kOwn);
    chain_->start();
    chain_->wait_for_device(node());
  }

  World& world() { return *world_; }
  Chain& chain() { return *chain_; }
  std::string node() { return world_->loop().node(); }
  json scrub() { return chain_->ctl({"scrub", node()}); }
  std::vector<json> devices() { return chain_->ctl({"devices"}).at("devices"); }

  void wait_for_device(const std::function<bool(const json&)>& wanted) {
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);;) {
      const auto all = devices();
      if (!all.empty() && wanted(all.front())) {
        return;
      }
      if (std::chrono::steady_clock::now() > end) {
        throw Failure("the device is " + json(all).dump() + "\npmend said: " + chain_->pmend_log() +
                      "\nthe workers said: " + chain_->worker_log());
      }
      usleep(20'000);
    }
  }

 private:
  std::unique_ptr<World> world_;
  std::unique_ptr<Chain> chain_;
};

TEST_P(ChainScrub, WhatAScrubFindsIsRepairedByRuleAndLeavesTheList) {
  FileModel& cold = world().tree().file("linked/first");
  FileModel& other = world().tree().file("tail");
  const std::vector<ByteRange> bad = {world().device_range(cold, {512, 512}),
                                      world().device_range(other, {4096, 1024})};
  world().fs().drop_caches();
  world().medium().poison(bad);
  start(repair_all_policy());
  EXPECT_THAT(chain().incidents(), IsEmpty()) << "nobody has read them yet";
  const json found = scrub();
  EXPECT_EQ(found.at("state"), "done");
  EXPECT_EQ(found.at("source"), "read");
  EXPECT_EQ(found.at("unreadable").at("bytes"), 1536);
  EXPECT_EQ(found.at("done"), world().medium().size_bytes());
  for (const ByteRange& range : bad) {
    chain().wait_for_state(node(), range, "repaired");
  }
  cold.zeros.insert({512, 512});
  other.zeros.insert({4096, 1024});
  EXPECT_THAT(world().medium().poisoned(), IsEmpty());
  EXPECT_THAT(world().compare(), IsEmpty());
  wait_for_device([](const json& device) { return device.at("bad_bytes") == 0 && device.at("list_complete") == true; });
  EXPECT_TRUE(std::filesystem::is_empty(chain().suspect_directory()));
  EXPECT_EQ(scrub().at("unreadable").at("bytes"), 0);
}

TEST_P(ChainScrub, WhatIsHeldStaysListedOverTheDeathOfAllOfPmend) {
  const FileModel& file = world().tree().file("linked/first");
  const ByteRange bad = world().device_range(file, {512, 512});
  start(default_policy());
  world().fs().drop_caches();
  world().medium().poison(bad);
  scrub();
  const json held = chain().wait_for_state(node(), bad, "held");
  chain().pmend().kill();
  chain().kill_workers();
  chain().start_workers();
  chain().start_pmend();
  wait_for_device([](const json& device) { return device.at("bad_bytes") == 512; });
  EXPECT_EQ(chain().wait_for_state(node(), bad, "held").at("id"), held.at("id"));
  // Whoever owns the file writes it anew: the next look at the list finds the sector good.
  world().medium().unpoison(bad);
  EXPECT_FALSE(std::filesystem::is_empty(chain().suspect_directory()));
  scrub();
  chain().wait_for_state(node(), bad, "cleared");
  EXPECT_TRUE(std::filesystem::is_empty(chain().suspect_directory()));
}

TEST_P(ChainScrub, OneIsCancelledAndAnotherIsRefusedMeanwhile) {
  start(default_policy());
  world().medium().gate("hold read " + std::to_string(64U << 20U) + " 512");
  Child first({program_directory() + "/pmendctl", "--bus", chain().bus_address(), "scrub", node()});
  ASSERT_TRUE(world().medium().wait_for_parked(std::chrono::seconds(20)));
  EXPECT_EQ(chain().try_ctl({"scrub", node()}).status, 1);
  EXPECT_EQ(chain().try_ctl({"scrub", "/dev/zero"}).status, 3);
  Child cancel({program_directory() + "/pmendctl", "--bus", chain().bus_address(), "scrub", "--cancel", node()});
  usleep(300'000);  // the cancel is on its way; the scrub stands at the gate until it comes
  world().medium().gate("release");
  EXPECT_EQ(first.wait(std::chrono::seconds(20)), 1);
  EXPECT_EQ(cancel.wait(std::chrono::seconds(20)), 0);
  EXPECT_EQ(scrub().at("state"), "done");
}

TEST_P(ChainScrub, EndsFailedWhenItsWorkerDies) {
  start(default_policy());
  world().medium().gate("hold read " + std::to_string(64U << 20U) + " 512");
  Child first({program_directory() + "/pmendctl", "--bus", chain().bus_address(), "scrub", node()});
  ASSERT_TRUE(world().medium().wait_for_parked(std::chrono::seconds(20)));
  chain().kill_workers();
  EXPECT_EQ(first.wait(std::chrono::seconds(20)), 1);
  world().medium().gate("release");
}

INSTANTIATE_TEST_SUITE_P(Kernel, ChainScrub, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return to_string(FsOptions{.type = param_info.param}); });

}  // namespace
}  // namespace pmend::world
