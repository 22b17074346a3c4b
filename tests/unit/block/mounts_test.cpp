// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/mounts.hpp"

#include "unit/block/fake_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/sysmacros.h>

#include <string>

namespace pmend::block {
namespace {

using testing::SizeIs;
using testing_support::FakeTree;

constexpr const char* kRoot = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n";

class MountsTest : public testing::Test {
 protected:
  MountTable parse(const std::string& text) {
    tree_.file("mountinfo", text);
    return read_mounts(tree_.path("mountinfo")).value();
  }

  FakeTree tree_;
};

TEST_F(MountsTest, ReadsAllFieldsOfALine) {
  const MountTable table = parse(
      "40 27 7:3 /sub /srv ro,noatime shared:5 master:2 - xfs /dev/loop3 rw,attr2,dax=always,logdev=/dev/loop4\n");
  ASSERT_THAT(table.mounts, SizeIs(1));
  const Mount& m = table.mounts[0];
  EXPECT_EQ(m.id, 40);
  EXPECT_EQ(m.parent, 27);
  EXPECT_EQ(m.device, makedev(7, 3));
  EXPECT_EQ(m.root, "/sub");
  EXPECT_EQ(m.target, "/srv");
  EXPECT_EQ(m.type, "xfs");
  EXPECT_EQ(m.source, "/dev/loop3");
  EXPECT_TRUE(is_read_only(m));
  EXPECT_EQ(option_value(m.fs_options, "logdev"), "/dev/loop4");
  EXPECT_FALSE(option_value(m.fs_options, "dev").has_value());
}

TEST_F(MountsTest, UndoesTheKernelsEscapes) {
  const MountTable table =
      parse("40 27 7:3 / /a\\040b\\011c\\012d\\134e\xff rw - ext4 /dev/disk/by-label/x\\040y rw,data=journal\n");
  ASSERT_THAT(table.mounts, SizeIs(1));
  EXPECT_EQ(table.mounts[0].target, "/a b\tc\nd\\e\xff");
  EXPECT_EQ(table.mounts[0].source, "/dev/disk/by-label/x y");
  EXPECT_TRUE(has_data_journal(table.mounts[0]));
}

TEST_F(MountsTest, LinesThatMakeNoSenseAreCountedAndSkipped) {
  const MountTable table = parse(std::string(kRoot) +
                                 "garbage\n"
                                 "41 27 7:4 / /b rw\n"
                                 "42 27 notanumber / /c rw - ext4 /dev/x rw\n"
                                 "40 27 7:3 / /srv rw - xfs /dev/loop3 rw\n");
  ASSERT_THAT(table.mounts, SizeIs(2));
  EXPECT_EQ(table.mounts[0].target, "/");
  EXPECT_EQ(table.mounts[1].target, "/srv");
  EXPECT_EQ(table.unreadable, 3U);
}

TEST_F(MountsTest, HostileTextNeverCrashes) {
  const std::string line = "40 27 7:3 / /srv rw - xfs /dev/loop3 rw\n";
  for (std::size_t cut = 0; cut <= line.size(); ++cut) {
    tree_.file("mountinfo", kRoot + line.substr(0, cut));
    [[maybe_unused]] const auto table = read_mounts(tree_.path("mountinfo"));
    tree_.file("mountinfo", kRoot + line.substr(cut) + std::string(1, '\0') + line);
    [[maybe_unused]] const auto rest = read_mounts(tree_.path("mountinfo"));
  }
  parse(kRoot + std::string(100000, 'x') + "\n" + std::string(5000, '\\') + "\n");
}

TEST_F(MountsTest, MissingFileIsAnError) {
  const auto table = read_mounts(tree_.path("none"));
  ASSERT_FALSE(table.has_value());
  EXPECT_TRUE(table.error().is_errno(ENOENT));
}

TEST_F(MountsTest, CoveredMountsAreNotReachable) {
  const MountTable table = parse(std::string(kRoot) +
                                 "40 27 7:3 / /srv/data rw - xfs /dev/loop3 rw\n"
                                 "41 27 7:4 / /srv rw - xfs /dev/loop4 rw\n"  // over the directory above it
                                 "42 27 7:5 / /mnt rw - ext4 /dev/loop5 rw\n"
                                 "43 42 7:6 / /mnt rw - ext4 /dev/loop6 rw\n"         // over its root
                                 "44 27 7:7 / /srvice rw - ext4 /dev/loop7 rw\n"      // only looks alike
                                 "45 41 7:8 / /srv/data rw - ext4 /dev/loop8 rw\n");  // upon the covering one
  ASSERT_THAT(table.mounts, SizeIs(7));
  const bool expected[] = {true, false, true, false, true, true, true};
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(is_reachable(table, table.mounts[i]), expected[i]) << table.mounts[i].target << " " << i;
  }
}

TEST_F(MountsTest, TheInitialRootHidesNothing) {
  const MountTable table = parse(
      "1 1 0:2 / / rw - rootfs rootfs rw\n"
      "40 1 7:3 / /srv rw - xfs /dev/loop3 rw\n");
  ASSERT_THAT(table.mounts, SizeIs(2));
  EXPECT_TRUE(is_reachable(table, table.mounts[0]));
  EXPECT_TRUE(is_reachable(table, table.mounts[1]));
}

TEST_F(MountsTest, CircleOfParentsEnds) {
  const MountTable table = parse(
      "40 41 7:3 / /a rw - xfs /dev/loop3 rw\n"
      "41 40 7:4 / /b rw - xfs /dev/loop4 rw\n");
  EXPECT_FALSE(is_reachable(table, table.mounts[0]));
}

}  // namespace
}  // namespace pmend::block
