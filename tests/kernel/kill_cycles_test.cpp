// SPDX-License-Identifier: Apache-2.0
// The medium dies at random moments of work; everything above it must still come down, and nothing may stay behind.
#include "kernel/kernel_test.hpp"
#include "support/must.hpp"
#include "support/residue.hpp"
#include "support/seed.hpp"
#include "support/world.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <random>
#include <thread>

namespace pmend::world {
namespace {

constexpr int kCycles = 200;

class KillCycles : public KernelTest, public ::testing::WithParamInterface<FsType> {};

// Reads, writes and syncs until the medium is gone; errors are what it is about.
void work_until_it_fails(const std::string& mount_point, std::mt19937_64& random) {
  std::vector<std::byte> block(4096);
  for (int i = 0; i < 10000; ++i) {
    const std::string path = mount_point + "/work" + std::to_string(random() % 8);
    const auto fd = open_file(path, O_RDWR | O_CREAT, 0644);
    if (!fd) {
      return;
    }
    const bool written = write_exactly(fd->get(), block, (random() % 64) * block.size()).has_value();
    if (!written || (random() % 4 == 0 && fsync(fd->get()) < 0)) {
      return;
    }
  }
}

void kill_in_mid_work(World& world, std::mt19937_64& random) {
  const FileModel& file = world.tree().file("dir0/plain0");
  world.medium().poison(world.device_range(file, {0, 512}));
  const std::chrono::microseconds delay(random() % 20000);
  std::jthread killer([&world, delay] {
    std::this_thread::sleep_for(delay);
    world.medium().signal(SIGKILL);
  });
  work_until_it_fails(world.fs().mount_point(), random);
}

TEST_P(KillCycles, NothingStaysBehindWhereverTheMediumDies) {
  std::mt19937_64 random(test_seed());
  for (int cycle = 0; cycle < kCycles / 2; ++cycle) {
    SCOPED_TRACE("cycle " + std::to_string(cycle));
    std::string directory;
    unsigned connection = 0;
    {
      World world({.fs = {.type = GetParam()}, .plain_files = 1});
      directory = world.directory();
      connection = fuse_connection(world.medium().mount_dir());
      kill_in_mid_work(world, random);
      world.tear_down();
    }
    const Residue left = residue_of(directory);
    ASSERT_TRUE(left.empty()) << to_string(left);
    ASSERT_FALSE(fuse_connection_exists(connection));
    ASSERT_FALSE(std::filesystem::exists(directory));
  }
}

INSTANTIATE_TEST_SUITE_P(Kernel, KillCycles, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return to_string(FsOptions{.type = param_info.param}); });

}  // namespace
}  // namespace pmend::world
