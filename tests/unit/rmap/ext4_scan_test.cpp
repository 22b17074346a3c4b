// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/ext4/bitmap.hpp"
#include "pmend/rmap/ext4/crc32c.hpp"
#include "pmend/rmap/ext4/scan.hpp"
#include "unit/rmap/ext4_image.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

namespace pmend::rmap::ext4 {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class Ext4Scan : public testing::Test {
 protected:
  void SetUp() override {
    if (access(kMke2fs, X_OK) != 0) {
      GTEST_SKIP() << "no mke2fs here (package e2fsprogs)";
    }
  }
};

struct Scanned {
  std::vector<IndexedExtent> extents;
  ScanReport report;
  bool readable = false;
};

Scanned scan_image(const Image& image) {
  Scanned scanned;
  Damage damage;
  const auto layout = read_layout(image.fd(), damage);
  scanned.readable = layout.has_value();
  if (layout) {
    ScanOptions options;
    options.sink = [&scanned](const IndexedExtent& extent) { scanned.extents.push_back(extent); };
    options.wants_links = [] { return true; };
    scanned.report = scan(*layout, options, std::move(damage));
  }
  return scanned;
}

std::vector<IndexedExtent> of_role(const Scanned& scanned, ExtentRole role) {
  std::vector<IndexedExtent> extents;
  std::ranges::copy_if(scanned.extents, std::back_inserter(extents),
                       [role](const IndexedExtent& extent) { return extent.role == role; });
  return extents;
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

TEST(Crc32c, BothWaysGiveTheKnownValue) {
  const std::string text = "123456789";
  const auto bytes = std::as_bytes(std::span(text));
  EXPECT_EQ(~crc32c(~0U, bytes), 0xE3069283U);
  EXPECT_EQ(crc32c_by_table(~0U, bytes), crc32c(~0U, bytes));
}

TEST_F(Ext4Scan, WholeImageHasNoDamageAndEveryBlockOneOwner) {
  const Image image({});
  const Scanned scanned = scan_image(image);
  ASSERT_TRUE(scanned.readable);
  EXPECT_THAT(scanned.report.damage.texts, IsEmpty());
  EXPECT_THAT(of_role(scanned, ExtentRole::kMap), testing::Not(IsEmpty()));
  EXPECT_GE(scanned.report.links.size(), 64U);
  std::map<std::uint64_t, std::uint64_t> owner;
  for (const IndexedExtent& extent : scanned.extents) {
    for (std::uint64_t i = 0; i < extent.length; ++i) {
      EXPECT_TRUE(owner.try_emplace(extent.device_block + i, extent.inode).second) << extent.device_block + i;
    }
  }
}

TEST_F(Ext4Scan, InodeWithAWrongChecksumIsNamedAndTheOthersAreRead) {
  const Image image({});
  const Scanned before = scan_image(image);
  Damage none;
  const auto layout = read_layout(image.fd(), none);
  constexpr std::uint32_t kInode = 20;
  const std::uint64_t at =
      layout->groups[0].inode_table * 1024 + std::uint64_t{kInode - 1} * layout->geometry.inode_bytes + 8;
  image.write(at, bytes_of(std::uint32_t{0xDEADBEEF}));
  const Scanned after = scan_image(image);
  EXPECT_THAT(after.report.damage.texts, testing::ElementsAre("inode 20 has a wrong checksum"));
  EXPECT_EQ(after.report.inodes + 1, before.report.inodes);
  for (const auto& read : {layout, read_superblock(image.fd())}) {
    EXPECT_FALSE(read_blocks_of(*read, kInode).has_value());
    EXPECT_TRUE(read_blocks_of(*read, kInode + 1).has_value());
  }
}

TEST_F(Ext4Scan, DamagedExtentBlockIsNamedByItsInode) {
  const Image image({});
  auto maps = of_role(scan_image(image), ExtentRole::kMap);
  std::erase_if(maps, [](const IndexedExtent& map) { return map.inode < 11; });  // those have no extents
  ASSERT_FALSE(maps.empty());
  image.write(maps[0].device_block * 1024 + 40, bytes_of(std::uint32_t{7}));
  EXPECT_THAT(scan_image(image).report.damage.texts,
              Contains(HasSubstr("inode " + std::to_string(maps[0].inode) + " has a block in its extent tree")));
}

TEST_F(Ext4Scan, LoopOfIndirectBlocksEnds) {
  const Image image({"-O", "^extent,^metadata_csum,^64bit"});
  const auto maps = of_role(scan_image(image), ExtentRole::kMap);
  ASSERT_FALSE(maps.empty());
  for (const IndexedExtent& map : maps) {
    for (std::uint64_t at = 0; at < 1024; at += 4) {
      image.write(map.device_block * 1024 + at, bytes_of(static_cast<std::uint32_t>(map.device_block)));
    }
  }
  const Scanned scanned = scan_image(image);
  EXPECT_TRUE(scanned.readable);
  EXPECT_LT(scanned.extents.size(), 100'000U);
}

TEST_F(Ext4Scan, BitmapWithAWrongChecksumIsNotBelieved) {
  for (const char* features : {"metadata_csum", "metadata_csum,^64bit", "^metadata_csum"}) {
    const Image image({"-O", features});
    Damage none;
    const auto layout = read_layout(image.fd(), none);
    const RangeSet whole(std::vector<ByteRange>{{0, image.bytes()}});
    const FreeSpace before = free_of(*layout, whole);
    EXPECT_GT(before.free.total_bytes(), image.bytes() / 4) << features;
    EXPECT_TRUE(before.doubtful.empty()) << before.why;
    image.write(layout->groups[0].block_bitmap * 1024 + 100, bytes_of(std::uint32_t{0x12345678}));
    const FreeSpace after = free_of(*layout, whole);
    if (std::string(features).starts_with("^")) {
      EXPECT_TRUE(after.doubtful.empty());
      continue;
    }
    EXPECT_EQ(after.why, "the block bitmap of group 0 has a wrong checksum");
    EXPECT_TRUE(after.doubtful.covers({1024, image.bytes() - 1024}));
    EXPECT_TRUE(after.free.empty());
    image.restore(0, image.bytes());
    image.write(layout->descriptor_blocks[0] * 1024, bytes_of(std::uint32_t{1}));
    EXPECT_EQ(free_of(*layout, whole).why, "the descriptor of group 0 is wrong");
    // Blocks behind the end, and no reading past it.
    EXPECT_TRUE(free_of(*layout, RangeSet(std::vector<ByteRange>{{image.bytes(), 1U << 20U}})).free.empty());
  }
}

TEST_F(Ext4Scan, SuperblockOfALargerDeviceIsRefused) {
  const Image image({});
  image.write(1024 + 4, bytes_of(std::uint32_t{0x7FFFFFFF}));  // s_blocks_count
  EXPECT_FALSE(scan_image(image).readable);
  image.restore(0, 4096);
  EXPECT_TRUE(scan_image(image).readable);
}

// Numbers that parsers trip over, at random places of the metadata, many times. With checksums nearly all is refused
// early; without, all of it is parsed. PMEND_LONG=1 goes on for ten minutes.
class Ext4Fuzz : public Ext4Scan, public testing::WithParamInterface<const char*> {};

TEST_P(Ext4Fuzz, WhateverIsThereScanningEndsWithinTheDevice) {
  const Image image({"-O", GetParam()});
  std::mt19937_64 random(42);
  const Scanned original = scan_image(image);
  std::vector<std::uint64_t> interesting = {1024, 2048};  // superblock and descriptors
  Damage none;
  const auto layout = read_layout(image.fd(), none);
  for (std::uint64_t i = 0; i < 24; ++i) {
    interesting.push_back((layout->groups[0].inode_table + i) * 1024);
  }
  for (const IndexedExtent& map : of_role(original, ExtentRole::kMap)) {
    interesting.push_back(map.device_block * 1024);
  }
  for (const IndexedExtent& data : of_role(original, ExtentRole::kData)) {
    if (data.inode == 2) {
      interesting.push_back(data.device_block * 1024);
    }
  }
  const std::uint32_t numbers[] = {0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF, 0xF30A, 0x7FFFFFFF, 0xFFFFFFFF};
  const bool is_long = std::getenv("PMEND_LONG") != nullptr;
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(10);
  for (int round = 0; is_long ? std::chrono::steady_clock::now() < end : round < 400; ++round) {
    const std::uint64_t changes = 1 + random() % 6;
    std::vector<std::uint64_t> changed;
    for (std::uint64_t i = 0; i < changes; ++i) {
      const std::uint64_t at = interesting[random() % interesting.size()] + random() % 1022;
      const auto value =
          random() % 2 == 0 ? numbers[random() % std::size(numbers)] : static_cast<std::uint32_t>(random());
      image.write(at, bytes_of(value).first(random() % 2 == 0 ? 2 : 1 + random() % 2));
      changed.push_back(at);
    }
    const Scanned scanned = scan_image(image);
    const std::uint64_t blocks = image.bytes() / 1024;
    ASSERT_LT(scanned.extents.size(), blocks * 400);
    for (const IndexedExtent& extent : scanned.extents) {
      ASSERT_LE(extent.device_block + extent.length, blocks * 1024);
    }
    for (const std::uint64_t at : changed) {
      image.restore(at, 4);
    }
  }
  EXPECT_EQ(scan_image(image).extents, original.extents);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Ext4Fuzz,
                         testing::Values("metadata_csum", "^metadata_csum,^64bit", "^extent,^metadata_csum,^64bit",
                                         "^metadata_csum,meta_bg,^resize_inode"));

}  // namespace
}  // namespace pmend::rmap::ext4
