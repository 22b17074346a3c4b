// SPDX-License-Identifier: Apache-2.0
#include "medium/process.hpp"

#include "temporary_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace pmend::medium {
namespace {

class MemoryLimitTest : public TemporaryDirectoryTest {
 protected:
  void put(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((directory_ / path).parent_path());
    std::ofstream(directory_ / path) << text;
  }
};

TEST_F(MemoryLimitTest, NoCgroupIsNoLimit) {
  EXPECT_FALSE(memory_limit(directory_).has_value());
  put("proc/self/cgroup", "garbage\n\n::\n4:memory\n");
  EXPECT_FALSE(memory_limit(directory_).has_value());
}

TEST_F(MemoryLimitTest, Version1CountsTheGroupAndAllAbove) {
  put("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/a/b\n0::/\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1000\n");
  put("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "2000\n");
  EXPECT_EQ(memory_limit(directory_), 1000U);
}

TEST_F(MemoryLimitTest, Version2KnowsMax) {
  put("proc/self/cgroup", "0::/a/b\n");
  put("sys/fs/cgroup/a/memory.max", "max\n");
  EXPECT_FALSE(memory_limit(directory_).has_value());
  put("sys/fs/cgroup/a/b/memory.max", "3000\n");
  EXPECT_EQ(memory_limit(directory_), 3000U);
}

TEST_F(MemoryLimitTest, InAContainerTheMountItselfIsTheGroup) {
  put("proc/self/cgroup", "4:memory:/docker/0123\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "4000\n");
  EXPECT_EQ(memory_limit(directory_), 4000U);
}

}  // namespace
}  // namespace pmend::medium
