// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/md_layer.hpp"

#include "unit/block/fake_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/sysmacros.h>

#include <random>
#include <string>

namespace pmend::block {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kKiBytes = 1024;

class MdLayerTest : public testing::Test {
 protected:
  void set(const std::string& name, const std::string& value) const { tree_.file("md/" + name, value + "\n"); }

  // Offset in sectors and size in KiB, as sysfs has them.
  void add_member(unsigned slot, std::uint64_t offset, std::uint64_t size, const std::string& state = "in_sync") const {
    const std::string directory = "dev-sd" + std::string(1, static_cast<char>('a' + slot));
    set(directory + "/slot", std::to_string(slot));
    set(directory + "/state", state);
    set(directory + "/offset", std::to_string(offset));
    set(directory + "/size", std::to_string(size));
    set(directory + "/block/dev", "8:" + std::to_string(slot));
  }

  Layer read(const std::string& level, std::uint64_t kib, unsigned disks) const {
    set("raid_disks", std::to_string(disks));
    BlockDevice array;
    array.directory = tree_.path();
    array.md_level = level;
    array.size_bytes = kib * kKiBytes;
    return read_md_layer(array);
  }

  testing_support::FakeTree tree_;
};

TEST_F(MdLayerTest, MirrorsHaveEverythingEach) {
  add_member(0, 2048, 1000);
  add_member(1, 4096, 1200);
  const Layer layer = read("raid1", 1000, 3);  // the third one is missing
  EXPECT_THAT(*to_lower(layer, {512, 512}), ElementsAre(SameBytes{{2048 * 512 + 512, 512}, {512, 512}, makedev(8, 0)},
                                                        SameBytes{{4096 * 512 + 512, 512}, {512, 512}, makedev(8, 1)}));
  EXPECT_THAT(*to_upper(layer, makedev(8, 1), {0, 4096 * 512}), IsEmpty()) << "its superblock";
  EXPECT_THAT(*to_upper(layer, makedev(8, 1), {4096 * 512 + 1000 * kKiBytes, kKiBytes}), IsEmpty()) << "its end";
}

TEST_F(MdLayerTest, LinearGoesOnWithTheNextMember) {
  add_member(0, 16, 100);
  add_member(1, 32, 50);
  const Layer layer = read("linear", 150, 2);
  EXPECT_THAT(*to_lower(layer, {100 * kKiBytes - 512, 1024}),
              ElementsAre(SameBytes{{16 * 512 + 100 * kKiBytes - 512, 512}, {100 * kKiBytes - 512, 512}, makedev(8, 0)},
                          SameBytes{{32 * 512, 512}, {100 * kKiBytes, 512}, makedev(8, 1)}));
}

TEST_F(MdLayerTest, WhatIsNotCertainIsNotFollowed) {
  const auto is_named = [this](const std::string& level, std::uint64_t kib, unsigned disks) {
    const Layer layer = read(level, kib, disks);
    return layer.segments.empty() && layer.unfollowed.size() == 1 && layer.unfollowed[0].why == "md " + level;
  };
  add_member(0, 16, 128);
  add_member(1, 16, 128);
  set("chunk_size", "65536");
  EXPECT_FALSE(is_named("raid0", 256, 2));
  EXPECT_TRUE(is_named("raid0", 255, 2)) << "the members do not add up";
  EXPECT_TRUE(is_named("raid0", 256, 3)) << "one is missing";
  EXPECT_TRUE(is_named("raid5", 128, 2));
  EXPECT_TRUE(is_named("raid10", 128, 2));
  EXPECT_TRUE(is_named("raid1", 129, 2)) << "no member is so large";
  set("reshape_position", "12345");
  EXPECT_TRUE(is_named("raid0", 256, 2));
  set("reshape_position", "none");
  set("dev-sdb/state", "faulty,blocked");
  EXPECT_TRUE(is_named("raid0", 256, 2));
  set("dev-sdb/state", "in_sync");
  set("dev-sdb/offset", "18446744073709551615");
  EXPECT_TRUE(is_named("raid0", 256, 2));
  set("dev-sdb/offset", "16");
  set("chunk_size", "0");
  EXPECT_TRUE(is_named("raid0", 256, 2));
  set("chunk_size", "65536");
  set("dev-sdb/size", "192");
  EXPECT_TRUE(is_named("raid0", 320, 2)) << "sizes differ, and the layout is not known";
  set("layout", "2");
  EXPECT_FALSE(is_named("raid0", 320, 2));
}

// raid0_make_request() and map_sector() of drivers/md/raid0.c (Linux 6.12), in chunks: member and chunk of it.
struct Raid0ByTheKernel {
  std::vector<std::uint64_t> chunks;  // of each member
  bool original = false;

  std::pair<std::size_t, std::uint64_t> map(std::uint64_t chunk) const {
    std::uint64_t zone_begin = 0;
    std::uint64_t member_begin = 0;
    for (;;) {
      std::vector<std::size_t> in_zone;
      std::uint64_t member_end = ~0ULL;
      for (std::size_t i = 0; i < chunks.size(); ++i) {
        if (chunks[i] > member_begin) {
          in_zone.push_back(i);
          member_end = std::min(member_end, chunks[i]);
        }
      }
      const std::uint64_t in_row = in_zone.size();
      const std::uint64_t zone_end = zone_begin + (member_end - member_begin) * in_row;
      if (chunk < zone_end) {
        const std::uint64_t place = chunk - zone_begin;
        return {in_zone[(original ? chunk : place) % in_row], member_begin + place / in_row};
      }
      zone_begin = zone_end;
      member_begin = member_end;
    }
  }
};

TEST_F(MdLayerTest, StripesOfMembersOfAnySizesLieWhereTheKernelPutsThem) {
  constexpr std::uint64_t kChunkKiB = 4;
  std::mt19937_64 random(7);
  for (int round = 0; round < 60; ++round) {
    const unsigned disks = 1 + static_cast<unsigned>(random() % 4);
    Raid0ByTheKernel kernel;
    kernel.original = random() % 2 == 0;
    std::uint64_t total = 0;
    for (unsigned i = 0; i < disks; ++i) {
      kernel.chunks.push_back(1 + random() % 9);
      total += kernel.chunks.back();
      add_member(i, 8 * i, kernel.chunks.back() * kChunkKiB + random() % kChunkKiB);  // less than a chunk is left over
    }
    for (unsigned i = disks; i < 4; ++i) {  // of the round before
      add_member(i, 0, 1000);
      set("dev-sd" + std::string(1, static_cast<char>('a' + i)) + "/slot", "none");
    }
    set("chunk_size", std::to_string(kChunkKiB * kKiBytes));
    set("layout", kernel.original ? "1" : "2");
    const Layer layer = read("raid0", total * kChunkKiB, disks);
    for (std::uint64_t chunk = 0; chunk < total; ++chunk) {
      const auto [member, place] = kernel.map(chunk);
      const auto down = to_lower(layer, {chunk * kChunkKiB * kKiBytes + 1024, 512});
      const ByteRange below{8 * member * 512 + place * kChunkKiB * kKiBytes + 1024, 512};
      ASSERT_THAT(*down, SizeIs(1));
      ASSERT_EQ(down->front().lower_range, below) << "chunk " << chunk << " of round " << round;
      ASSERT_EQ(down->front().lower_device, makedev(8, static_cast<unsigned>(member)));
      ASSERT_THAT(*to_upper(layer, makedev(8, static_cast<unsigned>(member)), below), SizeIs(1));
    }
  }
}

}  // namespace
}  // namespace pmend::block
