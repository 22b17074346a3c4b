// SPDX-License-Identifier: Apache-2.0
#include "kernel/kernel_test.hpp"
#include "pmend/rmap/ext4/layout.hpp"
#include "pmend/rmap/owner_resolver.hpp"
#include "support/world.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

namespace pmend::rmap {
namespace {

using testing::HasSubstr;

// Inode tables that fail in the middle, on a medium whose sectors really do.
class BadSectorTest : public world::KernelTest {};

struct Place {
  ByteRange data;
  std::uint64_t inode_block = 0;
};

std::map<std::string, Place> places_of(world::World& world, const ext4::Layout& layout) {
  std::map<std::string, Place> places;
  for (const world::FileModel* file : world.tree().files()) {
    const std::string& name = file->name();
    if (!name.starts_with("dir0/plain")) {
      continue;
    }
    struct stat status = {};
    EXPECT_EQ(stat((world.fs().mount_point() + "/" + name).c_str(), &status), 0);
    const std::uint64_t in_group = (status.st_ino - 1) % layout.geometry.inodes_per_group;
    const auto& group = layout.groups[(status.st_ino - 1) / layout.geometry.inodes_per_group];
    const std::uint64_t at = in_group * layout.geometry.inode_bytes / layout.geometry.block_bytes;
    places[name] = {world.device_range(world.tree().file(name), {0, 512}), group.inode_table + at};
  }
  return places;
}

TEST_F(BadSectorTest, InodesInABadSectorAreUnknownWithTheReasonAndTheOthersAreFound) {
  world::World world({.fs = {.type = world::FsType::kExt4}, .plain_files = 60});
  const auto device = open_file(world.fs().node(), O_RDONLY);
  ext4::Damage damage;
  const auto layout = ext4::read_layout(device->get(), damage);
  ASSERT_TRUE(layout.has_value());
  const auto places = places_of(world, *layout);
  ASSERT_GT(places.size(), 2U);
  // Not one that the mount itself needs.
  std::uint64_t bad = 0;
  for (const auto& [name, place] : places) {
    bad = std::max(bad, place.inode_block);
  }
  ASSERT_NE(bad, layout->groups[0].inode_table);
  const std::uint64_t block_bytes = layout->geometry.block_bytes;
  world.medium().poison({bad * block_bytes, block_bytes});
  world.reattach();
  struct stat status = {};
  ASSERT_EQ(stat(world.fs().mount_point().c_str(), &status), 0);
  const MountedFileSystem fs{{"ext4", "", "", world.fs().mount_point()}, status.st_dev, world.fs().node()};
  const auto resolver = make_owner_resolver();
  int unknown = 0;
  int found = 0;
  for (const auto& [name, place] : places) {
    const auto answer = resolver->resolve(fs, {place.data}, {});
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
    const Owner& owner = answer->at(0).owners.at(0);
    if (place.inode_block == bad) {
      EXPECT_EQ(owner.kind, OwnerKind::kUnknown) << name;
      EXPECT_THAT(owner.detail, HasSubstr("of the inode table of group"));
      ++unknown;
    } else {
      EXPECT_EQ(owner.kind, OwnerKind::kFile) << name << ": " << owner.detail;
      ++found;
    }
  }
  EXPECT_GT(unknown, 0);
  EXPECT_GT(found, 0);
}

}  // namespace
}  // namespace pmend::rmap
