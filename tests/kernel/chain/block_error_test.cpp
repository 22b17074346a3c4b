// SPDX-License-Identifier: Apache-2.0
// An ordinary disk of which nobody tells pmend what is bad: an application meets a bad sector, the kernel's tracepoint
// says so, and that is enough.
#include "kernel/kernel_test.hpp"
#include "support/chain.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

namespace pmend::world {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kTracing = "/sys/kernel/tracing";

// Of the observers of this chain; other tests of this machine may have theirs.
std::vector<std::string> instances_of(const std::vector<pid_t>& observers) {
  std::vector<std::string> names;
  for (const pid_t pid : observers) {
    const std::string name = "pmend-" + std::to_string(pid);
    if (std::filesystem::exists(std::string(kTracing) + "/instances/" + name)) {
      names.push_back(name);
    }
  }
  return names;
}

// 0 or the errno of a direct read of the device, as an application's that has a cache of its own.
int read_error(const std::string& node, const ByteRange& range) {
  const UniqueFd fd = must(open_file(node, O_RDONLY | O_DIRECT));
  alignas(4096) static std::array<char, 4096> buffer;
  const ssize_t n = pread(fd.get(), buffer.data(), range.length, static_cast<off_t>(range.offset));
  return n < 0 ? errno : 0;
}

class ChainBlockError : public KernelTest, public ::testing::WithParamInterface<FsType> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (IsSkipped()) {
      return;
    }
    // In the mount namespace that this one is made from, it may be there already.
    if (mount("none", kTracing, "tracefs", 0, nullptr) < 0 && errno != EBUSY) {
      GTEST_SKIP() << "tracefs cannot be mounted: " << std::strerror(errno);
    }
    if (!std::filesystem::exists(std::string(kTracing) + "/events/block/block_rq_error")) {
      GTEST_SKIP() << "this kernel has no event block:block_rq_error";
    }
    world_ = std::make_unique<World>(WorldOptions{.fs = {.type = GetParam()}});
    world_->medium().set_mode("write=clear");
  }

  // The tests after this one are to find the machine as it was.
  void TearDown() override {
    chain_.reset();
    world_.reset();
    std::error_code error;
    for (const auto& instance : std::filesystem::directory_iterator(std::string(kTracing) + "/instances", error)) {
      if (instance.path().filename().string().starts_with("pmend-")) {
        rmdir(instance.path().c_str());  // of killed observers; others' are in use, and the kernel refuses
      }
    }
    umount2(kTracing, MNT_DETACH);
  }

  void start(const PolicyFile& policy) {
    chain_ = std::make_unique<Chain>(std::vector<World*>{world_.get()}, std::vector<PolicyFile>{policy}, Lists::kOwn);
    chain_->start();
    chain_->wait_for_device(node());
  }

  World& world() { return *world_; }
  Chain& chain() { return *chain_; }
  std::string node() { return world_->loop().node(); }
  ByteRange bad_sector(FileModel& file) { return world().device_range(file, {4096 + 512, 512}); }

 private:
  std::unique_ptr<World> world_;
  std::unique_ptr<Chain> chain_;
};

TEST_P(ChainBlockError, WhatAnApplicationMeetsIsRepairedWithoutAScrub) {
  FileModel& file = world().tree().file("linked/first");
  const ByteRange bad = bad_sector(file);
  start(repair_all_policy());
  EXPECT_THAT(chain().pmend_log(), HasSubstr("block:block_rq_error"));
  world().fs().drop_caches();
  world().medium().poison(bad);
  usleep(500'000);
  EXPECT_THAT(chain().incidents(), IsEmpty()) << "nobody has met it yet";
  EXPECT_EQ(read_error(node(), bad), EIO);
  chain().wait_for_state(node(), bad, "repaired");
  file.zeros.insert({4096 + 512, 512});
  EXPECT_THAT(world().medium().poisoned(), IsEmpty());
  EXPECT_THAT(world().compare(), IsEmpty());
}

TEST_P(ChainBlockError, AReadThatFailsForAnotherReasonIsNoIncident) {
  FileModel& file = world().tree().file("linked/first");
  const ByteRange good = bad_sector(file);
  start(repair_all_policy());
  world().fs().drop_caches();
  world().medium().gate("hold-one read " + std::to_string(good.offset) + " 512");
  Child application({"dd", "if=" + node(), "of=/dev/null", "iflag=direct", "bs=512", "count=1",
                     "skip=" + std::to_string(good.offset / 512)});
  ASSERT_TRUE(world().medium().wait_for_parked(std::chrono::seconds(20)));
  world().medium().gate("fail");
  EXPECT_NE(application.wait(std::chrono::seconds(20)), 0);
  // A bad one after it, so that what came before was surely dealt with.
  FileModel& other = world().tree().file("tail");
  const ByteRange bad = world().device_range(other, {4096, 512});
  world().medium().poison(bad);
  EXPECT_EQ(read_error(node(), bad), EIO);
  chain().wait_for_state(node(), bad, "repaired");
  EXPECT_EQ(chain().incidents().size(), 1U);
  other.zeros.insert({4096, 512});
  EXPECT_THAT(world().compare(), IsEmpty());
}

TEST_P(ChainBlockError, WhatAScrubMeetsIsLeftToTheScrub) {
  FileModel& file = world().tree().file("linked/first");
  const ByteRange bad = bad_sector(file);
  world().fs().drop_caches();
  world().medium().poison(bad);
  start(repair_all_policy());
  EXPECT_EQ(chain().ctl({"scrub", node()}).at("unreadable").at("bytes"), 512) << "nothing was repaired under its hands";
  chain().wait_for_state(node(), bad, "repaired");
}

TEST_P(ChainBlockError, AnInstanceThatAKilledObserverLeftIsTakenOver) {
  start(default_policy());
  const auto before = chain().worker_processes();
  ASSERT_EQ(instances_of(before).size(), 1U);
  const std::string name = instances_of(before).front();
  chain().kill_workers();  // first: with pmend gone the observer would end in order
  chain().pmend().kill();
  chain().start_workers();
  chain().start_pmend();
  chain().wait_for_device(node());
  EXPECT_THAT(instances_of(before), testing::ElementsAre(name));
  EXPECT_THAT(instances_of(chain().worker_processes()), IsEmpty()) << "it needs none of its own";
  FileModel& file = world().tree().file("linked/first");
  const ByteRange bad = bad_sector(file);
  world().fs().drop_caches();
  world().medium().poison(bad);
  EXPECT_EQ(read_error(node(), bad), EIO);
  chain().wait_for_state(node(), bad, "held");
  // The observer ends with its connection, and takes the instance with it.
  chain().pmend().kill();
  for (int i = 0; i < 500 && !instances_of(before).empty(); ++i) {
    usleep(20'000);
  }
  EXPECT_THAT(instances_of(before), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernel, ChainBlockError, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return to_string(FsOptions{.type = param_info.param}); });

}  // namespace
}  // namespace pmend::world
