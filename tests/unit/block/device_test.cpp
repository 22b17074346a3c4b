// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/device.hpp"

#include "unit/block/fake_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/sysmacros.h>

#include <string>

namespace pmend::block {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::FakeTree;

constexpr const char* kBoot = "01234567-89ab-cdef-0123-456789abcdef";

class DeviceTest : public testing::Test {
 protected:
  // A whole disk under devices/, with the two links that the kernel makes to it.
  void add_disk(const std::string& name, const std::string& number, const std::string& sectors) {
    const std::string directory = "devices/virtual/block/" + name;
    sysfs_.file(directory + "/dev", number + "\n");
    sysfs_.file(directory + "/size", sectors + "\n");
    sysfs_.file(directory + "/ro", "0\n");
    sysfs_.file(directory + "/uevent", "MAJOR=7\nDEVNAME=" + name + "\nDEVTYPE=disk\n");
    sysfs_.directory(directory + "/holders");
    sysfs_.directory(directory + "/slaves");
    add_links(name, directory, number);
  }

  void add_partition(const std::string& disk, const std::string& name, const std::string& number, int index, int start,
                     int sectors) {
    const std::string directory = "devices/virtual/block/" + disk + "/" + name;
    sysfs_.file(directory + "/dev", number + "\n");
    sysfs_.file(directory + "/partition", std::to_string(index) + "\n");
    sysfs_.file(directory + "/start", std::to_string(start) + "\n");
    sysfs_.file(directory + "/size", std::to_string(sectors) + "\n");
    sysfs_.file(directory + "/uevent", "DEVNAME=" + name + "\nPARTN=" + std::to_string(index) + "\n");
    add_links(name, directory, number);
  }

  void add_links(const std::string& name, const std::string& directory, const std::string& number) {
    sysfs_.link("class/block/" + name, "../../" + directory);
    sysfs_.link("dev/block/" + number, "../../" + directory);
  }

  void set(const std::string& disk, const std::string& attribute, const std::string& value) {
    sysfs_.file("devices/virtual/block/" + disk + "/" + attribute, value + "\n");
  }

  BlockDevice device(const std::string& name) { return read_device(roots(), name).value(); }
  std::string id(const std::string& name) { return device_id(device(name), kBoot).value(); }
  SystemRoots roots() const { return {sysfs_.path(), sysfs_.path("proc")}; }

  FakeTree sysfs_;
};

TEST_F(DeviceTest, ReadsGeometryInBytes) {
  add_disk("pmem0", "259:0", "16384");
  set("pmem0", "queue/logical_block_size", "4096");
  set("pmem0", "queue/physical_block_size", "4096");
  set("pmem0", "queue/dax", "1");
  set("pmem0", "badblocks", "");
  const BlockDevice d = device("pmem0");
  EXPECT_EQ(d.node, "/dev/pmem0");
  EXPECT_EQ(d.number, makedev(259, 0));
  EXPECT_EQ(d.size_bytes, 16384U * 512U);
  EXPECT_EQ(d.logical_block_bytes, 4096U);
  EXPECT_EQ(d.physical_block_bytes, 4096U);
  EXPECT_TRUE(d.dax);
  EXPECT_EQ(d.badblocks, sysfs_.path("devices/virtual/block/pmem0/badblocks"));
}

TEST_F(DeviceTest, TellsDisksBySectorSizesApart) {
  struct Disk {
    const char* name;
    const char* number;
    const char* logical;
    const char* physical;  // nullptr: no such attribute
    std::uint64_t physical_bytes;
  };
  for (const Disk& disk : {Disk{"sd512n", "8:0", "512", "512", 512}, Disk{"sd512e", "8:1", "512", "4096", 4096},
                           Disk{"sd4kn", "8:2", "4096", "4096", 4096}, Disk{"sdold", "8:3", "4096", nullptr, 4096}}) {
    add_disk(disk.name, disk.number, "2048");
    set(disk.name, "queue/logical_block_size", disk.logical);
    if (disk.physical != nullptr) {
      set(disk.name, "queue/physical_block_size", disk.physical);
    }
    EXPECT_EQ(device(disk.name).logical_block_bytes, std::stoull(disk.logical)) << disk.name;
    EXPECT_EQ(device(disk.name).physical_block_bytes, disk.physical_bytes) << disk.name;
  }
}

TEST_F(DeviceTest, ZeroesFastOnlyByTheCommandThatZeroes) {
  struct Queue {
    const char* name;
    const char* number;
    const char* write_zeroes;  // nullptr: no such attribute
    std::uint64_t fast_zero;
  };
  for (const Queue& queue : {Queue{"has", "8:0", "4294966784", 4294966784}, Queue{"refused", "8:1", "0", 0},
                             Queue{"older", "8:2", nullptr, 0}, Queue{"garbage", "8:3", "lots", 0}}) {
    add_disk(queue.name, queue.number, "2048");
    // Whatever these promise, what they leave may read as anything.
    set(queue.name, "queue/discard_max_bytes", "1073741824");
    set(queue.name, "queue/discard_zeroes_data", "1");
    set(queue.name, "queue/write_zeroes_unmap_max_hw_bytes", "1048576");
    set(queue.name, "queue/write_zeroes_unmap_max_bytes", "1048576");
    if (queue.write_zeroes != nullptr) {
      set(queue.name, "queue/write_zeroes_max_bytes", queue.write_zeroes);
    }
    EXPECT_EQ(device(queue.name).fast_zero_bytes, queue.fast_zero) << queue.name;
  }
}

TEST_F(DeviceTest, PartitionHasTheQueueOfItsDisk) {
  add_disk("sda", "8:0", "2048");
  add_partition("sda", "sda1", "8:1", 1, 64, 512);
  set("sda", "queue/logical_block_size", "512");
  set("sda", "queue/physical_block_size", "4096");
  set("sda", "queue/write_zeroes_max_bytes", "65536");
  EXPECT_EQ(device("sda1").physical_block_bytes, 4096U);
  EXPECT_EQ(device("sda1").fast_zero_bytes, 65536U);
}

TEST_F(DeviceTest, FoundByNumberAsByName) {
  add_disk("loop3", "7:3", "2048");
  const auto found = read_device(roots(), makedev(7, 3));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(*found, device("loop3"));
}

TEST_F(DeviceTest, PartitionKnowsItsPlaceAndTakesTheQueueOfItsDisk) {
  add_disk("sda", "8:0", "100000");
  set("sda", "queue/logical_block_size", "4096");
  add_partition("sda", "sda2", "8:2", 2, 40960, 8);
  add_partition("sda", "sda1", "8:1", 1, 2048, 2048);
  const BlockDevice disk = device("sda");
  EXPECT_THAT(disk.partitions, ElementsAre(PartitionEntry{"sda1", {2048U * 512U, 2048U * 512U}},
                                           PartitionEntry{"sda2", {40960U * 512U, 4096U}}));
  const BlockDevice part = device("sda2");
  ASSERT_TRUE(part.partition.has_value());
  EXPECT_EQ(part.partition->disk, "sda");
  EXPECT_EQ(part.partition->number, 2U);
  EXPECT_EQ(part.partition->disk_range, (ByteRange{40960U * 512U, 4096U}));
  EXPECT_EQ(part.logical_block_bytes, 4096U);
  EXPECT_TRUE(part.partitions.empty());
}

TEST_F(DeviceTest, LoopBackingKeepsOddNamesAndNoticesDeletion) {
  add_disk("loop1", "7:1", "8");
  set("loop1", "loop/backing_file", "/srv/odd \\ \xff\nname (deleted)");
  set("loop1", "loop/offset", "1048576");
  set("loop1", "loop/sizelimit", "4096");
  const auto loop = device("loop1").identity.loop;
  ASSERT_TRUE(loop.has_value());
  EXPECT_EQ(*loop, (LoopBacking{"/srv/odd \\ \xff\nname", 1048576, 4096, true}));
}

TEST_F(DeviceTest, ListsHoldersAndSlaves) {
  add_disk("dm-0", "253:0", "8");
  set("dm-0", "dm/name", "home");
  set("dm-0", "dm/uuid", "CRYPT-LUKS2-abc-home");
  sysfs_.link("devices/virtual/block/dm-0/slaves/sda", "../../sda");
  add_disk("sda", "8:0", "8");
  sysfs_.link("devices/virtual/block/sda/holders/dm-0", "../../dm-0");
  EXPECT_THAT(device("sda").holders, ElementsAre("dm-0"));
  EXPECT_THAT(device("dm-0").slaves, ElementsAre("sda"));
  EXPECT_EQ(device("dm-0").dm_name, "home");
}

TEST_F(DeviceTest, AbsentAndAbsurdAttributesAreNotTrusted) {
  add_disk("sdx", "8:240", "99999999999999999999999");
  set("sdx", "queue/logical_block_size", "-512");
  set("sdx", "diskseq", "0x12");
  const BlockDevice d = device("sdx");
  EXPECT_EQ(d.size_bytes, 0U);
  EXPECT_EQ(d.logical_block_bytes, 512U);
  EXPECT_FALSE(d.identity.diskseq.has_value());
}

TEST_F(DeviceTest, SizeThatWrapsInBytesIsNone) {
  add_disk("sdx", "8:240", "36028797018963968");  // 2^55 sectors are 2^64 bytes
  EXPECT_EQ(device("sdx").size_bytes, 0U);
}

TEST_F(DeviceTest, MissingDeviceIsNamed) {
  const auto missing = read_device(roots(), "loop9");
  ASSERT_FALSE(missing.has_value());
  EXPECT_TRUE(missing.error().is(Errc::kNotFound));
  EXPECT_THAT(missing.error().message(), HasSubstr("loop9"));
}

TEST_F(DeviceTest, NamesThatLeaveTheDirectoryAreRefused) {
  for (const char* name : {"", ".", "..", "../../../etc", "a/b"}) {
    const auto found = read_device(roots(), std::string(name));
    ASSERT_FALSE(found.has_value()) << name;
    EXPECT_TRUE(found.error().is(Errc::kInvalid)) << name;
  }
}

TEST_F(DeviceTest, NodeThatIsNoBlockDeviceIsRefused) {
  const auto null_device = find_device(roots(), "/dev/null");
  ASSERT_FALSE(null_device.has_value());
  EXPECT_TRUE(null_device.error().is(Errc::kInvalid));
  EXPECT_THAT(null_device.error().message(), HasSubstr("not a block device"));
  const auto missing = find_device(roots(), sysfs_.path("no-such-node"));
  ASSERT_FALSE(missing.has_value());
  EXPECT_TRUE(missing.error().is_errno(ENOENT));
}

TEST_F(DeviceTest, NamespaceUuidIsPreferredToEverything) {
  add_disk("pmem0", "259:0", "8");
  set("pmem0", "device/uuid", "11111111-2222-3333-4444-555555555555");
  sysfs_.link("devices/virtual/block/pmem0/device/subsystem", "../../../../../bus/nd");
  set("pmem0", "wwid", "naa.5000");
  set("pmem0", "diskseq", "4");
  EXPECT_EQ(id("pmem0"), "ns:11111111-2222-3333-4444-555555555555");
}

TEST_F(DeviceTest, UuidOfAnotherSubsystemIsNoNamespaceUuid) {
  add_disk("nvme0n1", "259:0", "8");
  set("nvme0n1", "device/uuid", "11111111-2222-3333-4444-555555555555");
  sysfs_.link("devices/virtual/block/nvme0n1/device/subsystem", "../../../../../class/nvme");
  set("nvme0n1", "wwid", "eui.0025");
  EXPECT_EQ(id("nvme0n1"), "wwn:eui.0025");
}

TEST_F(DeviceTest, ScsiWwidIsFoundOneLevelDownAndPrintedOnOneLine) {
  add_disk("sda", "8:0", "8");
  set("sda", "device/wwid", "t10.ATA  Odd\x01 Disk");
  EXPECT_EQ(id("sda"), "wwn:t10.ATA  Odd\\x01 Disk");
}

TEST_F(DeviceTest, LoopIsKnownByFileAndDiskseqAndBoot) {
  add_disk("loop3", "7:3", "8");
  set("loop3", "loop/backing_file", "/srv/a\xff");
  set("loop3", "loop/offset", "512");
  set("loop3", "diskseq", "77");
  EXPECT_EQ(id("loop3"), std::string("loop:/srv/a\\xff@512:77:") + kBoot);
}

TEST_F(DeviceTest, PartitionsOfOneDiskDifferAndPartuuidOutlivesTheBoot) {
  add_disk("loop3", "7:3", "9000");
  set("loop3", "loop/backing_file", "/a");
  set("loop3", "diskseq", "77");
  add_partition("loop3", "loop3p1", "259:1", 1, 8, 80);
  add_disk("vda", "254:0", "9000");
  set("vda", "diskseq", "5");
  add_partition("vda", "vda1", "254:1", 1, 8, 80);
  set("vda/vda1", "uevent", "DEVNAME=vda1\nPARTUUID=deadbeef-01");
  EXPECT_EQ(id("loop3p1"), id("loop3") + "/part:1@4096");
  EXPECT_EQ(id("vda1"), "partuuid:deadbeef-01");
}

TEST_F(DeviceTest, DiskWithNothingElseIsKnownForThisBoot) {
  add_disk("zram0", "252:0", "8");
  set("zram0", "diskseq", "9");
  EXPECT_EQ(id("zram0"), std::string("seq:9:") + kBoot);
  add_disk("old", "252:1", "8");
  const auto none = device_id(device("old"), kBoot);
  ASSERT_FALSE(none.has_value());
  EXPECT_TRUE(none.error().is(Errc::kNotFound));
}

TEST_F(DeviceTest, BootIdMustLookLikeOne) {
  sysfs_.file("proc/sys/kernel/random/boot_id", std::string(kBoot) + "\n");
  EXPECT_EQ(read_boot_id(roots()).value(), kBoot);
  sysfs_.file("proc/sys/kernel/random/boot_id", "\n");
  EXPECT_FALSE(read_boot_id(roots()).has_value());
}

}  // namespace
}  // namespace pmend::block
