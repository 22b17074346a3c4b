// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/volume.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/sysmacros.h>

#include <optional>
#include <string>

namespace pmend::block {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

BlockDevice loop3() {
  BlockDevice device;
  device.name = "loop3";
  device.node = "/dev/pmend-test-loop3";
  device.number = makedev(7, 3);
  device.size_bytes = 1U << 20U;
  return device;
}

Mount mount_of(const BlockDevice& device, const std::string& target, int id = 40) {
  Mount mount;
  mount.id = id;
  mount.parent = 27;
  mount.device = device.number;
  mount.root = "/";
  mount.target = target;
  mount.type = "xfs";
  mount.source = device.node;
  mount.vfs_options = "rw";
  mount.fs_options = "rw";
  return mount;
}

Content content_of(ContentKind kind, const std::string& type) {
  return {kind, type, "u-u-i-d", "label"};
}

TEST(Volume, MountedFileSystemIsNamedWithItsUuid) {
  const BlockDevice device = loop3();
  const Volume v =
      describe_volume(device, content_of(ContentKind::kFileSystem, "xfs"), {{{mount_of(device, "/srv")}, 0}, {}, {}});
  EXPECT_EQ(v.use, VolumeUse::kMounted);
  EXPECT_EQ(v.filesystem, (FileSystemRef{"xfs", "u-u-i-d", "label", "/srv"}));
  EXPECT_THAT(v.never_write, IsEmpty());
}

TEST(Volume, FileSystemThatIsMountedElsewhereSaysWhere) {
  const BlockDevice device = loop3();
  const auto content = content_of(ContentKind::kFileSystem, "xfs");
  const Volume nowhere = describe_volume(device, content, {});
  EXPECT_EQ(nowhere.use, VolumeUse::kNotMounted);
  EXPECT_EQ(nowhere.detail,
            "xfs that is not mounted here; to see whose it is, mount it "
            "(read-only is enough; with ro,norecovery nothing is written)");
  Surroundings around;
  around.elsewhere = ForeignMount{mount_of(device, "/srv\n"), "4711"};
  const Volume elsewhere = describe_volume(device, content, around);
  EXPECT_EQ(elsewhere.use, VolumeUse::kNotMounted);
  EXPECT_EQ(elsewhere.detail, "xfs that is not mounted here, but in the mount namespace of process 4711 on /srv\\x0a");
  EXPECT_THAT(elsewhere.never_write, Contains("its file system is not mounted here"));
}

TEST(Volume, MountOfTheWholeFileSystemIsPreferredToABindMount) {
  const BlockDevice device = loop3();
  Mount bind = mount_of(device, "/b", 41);
  bind.root = "/sub";
  const Volume v = describe_volume(device, std::nullopt, {{{bind, mount_of(device, "/srv/long/path")}, 0}, {}, {}});
  EXPECT_EQ(v.filesystem->mount_point, "/srv/long/path");
  EXPECT_EQ(v.mounts.size(), 2U);
}

TEST(Volume, OneWritableMountIsEnough) {
  const BlockDevice device = loop3();
  Mount read_only = mount_of(device, "/ro", 41);
  read_only.vfs_options = "ro";
  EXPECT_THAT(describe_volume(device, std::nullopt, {{{read_only}, 0}, {}, {}}).never_write,
              ElementsAre(HasSubstr("read-only")));
  EXPECT_THAT(describe_volume(device, std::nullopt, {{{read_only, mount_of(device, "/srv")}, 0}, {}, {}}).never_write,
              IsEmpty());
}

TEST(Volume, MountOptionsThatForbidWritingAreSeen) {
  const BlockDevice device = loop3();
  for (const char* options : {"rw,data=journal", "rw,logdev=/dev/loop4", "rw,rtdev=/dev/loop5"}) {
    Mount mount = mount_of(device, "/srv");
    mount.fs_options = options;
    EXPECT_FALSE(describe_volume(device, std::nullopt, {{{mount}, 0}, {}, {}}).never_write.empty()) << options;
  }
}

TEST(Volume, ExternalJournalAndRealtimeDeviceBelongToTheirFileSystem) {
  const BlockDevice device = loop3();
  BlockDevice data = loop3();
  data.number = makedev(7, 9);
  Mount mount = mount_of(data, "/srv");
  mount.fs_options = "rw,logdev=" + device.node;
  const Volume journal = describe_volume(device, std::nullopt, {{{mount}, 0}, {}, {}});
  EXPECT_EQ(journal.use, VolumeUse::kJournal);
  EXPECT_EQ(owner_kind(journal.use), OwnerKind::kMetadata);
  mount.fs_options = "rw,rtdev=" + device.node;
  const Volume realtime = describe_volume(device, std::nullopt, {{{mount}, 0}, {}, {}});
  EXPECT_EQ(realtime.use, VolumeUse::kRealtime);
  EXPECT_EQ(owner_kind(realtime.use), OwnerKind::kUnknown);
  EXPECT_FALSE(realtime.never_write.empty());
}

TEST(Volume, HolderIsNamedWithItsKind) {
  BlockDevice device = loop3();
  device.holders = {"dm-0", "md127", "gone"};
  BlockDevice crypt;
  crypt.name = "dm-0";
  crypt.dm_name = "home";
  crypt.identity.dm_uuid = "CRYPT-LUKS2-x-home";
  BlockDevice raid;
  raid.name = "md127";
  raid.md_level = "raid1";
  const Volume v = describe_volume(device, content_of(ContentKind::kEncrypted, "crypto_LUKS"), {{}, {}, {crypt, raid}});
  EXPECT_EQ(v.use, VolumeUse::kEncrypted);
  EXPECT_EQ(v.detail, "crypto_LUKS, used by dm-0 (dm-crypt home), md127 (md raid1), gone");
  EXPECT_FALSE(v.never_write.empty());
}

TEST(Volume, WhatUsesItNowCountsMoreThanItsSignature) {
  const BlockDevice device = loop3();
  StorageUser swap;
  swap.kind = StorageUserKind::kSwap;
  swap.block_device = device.number;
  const Volume v = describe_volume(device, content_of(ContentKind::kFileSystem, "ext4"), {{}, {swap}, {}});
  EXPECT_EQ(v.use, VolumeUse::kSwap);
  EXPECT_FALSE(v.filesystem.has_value());
}

TEST(Volume, KindsOfContentAreToldApartAndNamed) {
  struct Case {
    ContentKind kind;
    const char* type;
    OwnerKind owner;
    bool writable;
  };
  const Case cases[] = {{ContentKind::kNone, "", OwnerKind::kRaw, true},
                        {ContentKind::kFileSystem, "ext4", OwnerKind::kUnknown, false},
                        {ContentKind::kSwap, "swap", OwnerKind::kRaw, false},
                        {ContentKind::kMember, "LVM2_member", OwnerKind::kRaw, false},
                        {ContentKind::kMember, "linux_raid_member", OwnerKind::kRaw, false},
                        {ContentKind::kEncrypted, "crypto_LUKS", OwnerKind::kRaw, false},
                        {ContentKind::kJournal, "jbd", OwnerKind::kMetadata, false},
                        {ContentKind::kPartitionTable, "gpt", OwnerKind::kRaw, false},
                        {ContentKind::kAmbiguous, "", OwnerKind::kUnknown, true}};
  for (const Case& c : cases) {
    const Volume v = describe_volume(loop3(), content_of(c.kind, c.type), {});
    EXPECT_EQ(owner_kind(v.use), c.owner) << c.type;
    EXPECT_EQ(v.never_write.empty(), c.writable) << c.type;
    EXPECT_THAT(v.detail, HasSubstr(c.type)) << c.type;
    EXPECT_FALSE(v.detail.empty());
  }
}

TEST(Volume, UnreadableContentIsUnknown) {
  const Volume v = describe_volume(loop3(), std::nullopt, {});
  EXPECT_EQ(v.use, VolumeUse::kUnknown);
  EXPECT_EQ(owner_kind(v.use), OwnerKind::kUnknown);
}

TEST(Volume, BackingStoreOfOthersAndStackedDevicesAreNeverWritten) {
  BlockDevice device = loop3();
  device.slaves = {"sda"};
  device.read_only = true;
  StorageUser loop;
  loop.kind = StorageUserKind::kLoop;
  loop.name = "loop7";
  loop.block_device = device.number;
  const Volume v = describe_volume(device, Content{}, {{}, {loop}, {}});
  EXPECT_EQ(v.never_write.size(), 3U);
  EXPECT_THAT(v.never_write, Contains("it is the backing store of loop7"));
}

}  // namespace
}  // namespace pmend::block
