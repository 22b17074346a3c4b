// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/storage_users.hpp"

#include "unit/block/fake_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <string>

namespace pmend::block {
namespace {

using testing::ElementsAre;
using testing_support::FakeTree;

TEST(Swaps, ReadsPathsAndUndoesTheirEscapes) {
  EXPECT_THAT(parse_swaps("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
                          "/dev/dm-1                               partition\t1000\t\t0\t\t-2\n"
                          "/odd\\040na\\134me\\012\xff file\t1000\t\t0\t\t-3\n"),
              ElementsAre("/dev/dm-1", "/odd na\\me\n\xff"));
}

TEST(Swaps, GarbageGivesNothing) {
  EXPECT_THAT(parse_swaps("x\n\n \t\n\\040/a b\nrelative file 1\n"), ElementsAre());
  EXPECT_THAT(parse_swaps("/a\\04"), ElementsAre("/a\\04"));
}

TEST(StorageUsers, FindsTheFilesBehindLoopDevicesSwapAndTargets) {
  FakeTree tree;
  tree.file("files/image", "x");
  tree.file("sys/block/loop3/loop/backing_file", tree.path("files/image") + "\n");
  tree.file("sys/block/loop4/loop/backing_file", "/no/such/file (deleted)\n");
  tree.directory("sys/block/sda");
  tree.file("sys/kernel/config/target/core/fileio_0/disk/udev_path", tree.path("files/image") + "\n");
  tree.file("proc/swaps", "Filename Type\n" + tree.path("files/image") + " file 1 0 -2\n");
  struct stat status = {};
  ASSERT_EQ(stat(tree.path("files/image").c_str(), &status), 0);

  const auto users = read_storage_users({tree.path("sys"), tree.path("proc")});
  ASSERT_EQ(users.size(), 4U);
  const char* names[] = {"swap", "loop3", "loop4", "target fileio_0/disk"};
  for (std::size_t i = 0; i < users.size(); ++i) {
    EXPECT_EQ(users[i].name, names[i]);
    EXPECT_EQ(users[i].uses_file(status.st_dev, status.st_ino), i != 2) << names[i];
    EXPECT_FALSE(users[i].uses_device(status.st_dev)) << names[i];
  }
}

}  // namespace
}  // namespace pmend::block
