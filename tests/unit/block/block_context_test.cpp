// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/block_context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace pmend::block {
namespace {

using testing::IsEmpty;

constexpr std::uint64_t kMiB = 1U << 20U;

Volume partition(const std::string& name, const ByteRange& place) {
  Volume volume;
  volume.device.name = name;
  volume.device.partition = PartitionPlace{"sda", 1, place, ""};
  volume.use = VolumeUse::kMounted;
  return volume;
}

// 16 MiB, partitions at 1..4 MiB and 4..8 MiB.
BlockContext disk() {
  BlockContext context;
  context.device.name = "sda";
  context.device.size_bytes = 16 * kMiB;
  context.whole.device = context.device;
  context.whole.use = VolumeUse::kPartitionTable;
  context.whole.detail = "table";
  context.partitions = {partition("sda1", {kMiB, 3 * kMiB}), partition("sda2", {4 * kMiB, 4 * kMiB})};
  return context;
}

struct Piece {
  std::string name;
  ByteRange device_range;
  ByteRange volume_range;
  friend bool operator==(const Piece&, const Piece&) = default;
};

std::vector<Piece> pieces(const ByteRange& range) {
  std::vector<Piece> result;
  for (const RangeContext& piece : locate(disk(), range)) {
    result.push_back({piece.volume.device.name, piece.device_range, piece.volume_range});
  }
  return result;
}

TEST(Locate, PartitionRangesAreCountedFromThePartition) {
  EXPECT_EQ(pieces({2 * kMiB, 512}), (std::vector<Piece>{{"sda1", {2 * kMiB, 512}, {kMiB, 512}}}));
}

TEST(Locate, RangesAreCutAtBorders) {
  EXPECT_EQ(pieces({0, 16 * kMiB}), (std::vector<Piece>{{"sda", {0, kMiB}, {0, kMiB}},
                                                        {"sda1", {kMiB, 3 * kMiB}, {0, 3 * kMiB}},
                                                        {"sda2", {4 * kMiB, 4 * kMiB}, {0, 4 * kMiB}},
                                                        {"sda", {8 * kMiB, 8 * kMiB}, {8 * kMiB, 8 * kMiB}}}));
  EXPECT_EQ(pieces({4 * kMiB - 512, 1024}), (std::vector<Piece>{{"sda1", {4 * kMiB - 512, 512}, {3 * kMiB - 512, 512}},
                                                                {"sda2", {4 * kMiB, 512}, {0, 512}}}));
}

TEST(Locate, WhatLiesBehindTheEndIsLeftOut) {
  EXPECT_EQ(pieces({16 * kMiB - 512, 4096}),
            (std::vector<Piece>{{"sda", {16 * kMiB - 512, 512}, {16 * kMiB - 512, 512}}}));
  EXPECT_THAT(pieces({20 * kMiB, 512}), IsEmpty());
  EXPECT_THAT(pieces({0, 0}), IsEmpty());
}

TEST(Locate, WithoutPartitionsEverythingIsTheDevice) {
  BlockContext context = disk();
  context.partitions.clear();
  const auto all = locate(context, {4096, 512});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].volume_range, (ByteRange{4096, 512}));
  const Owner owner = owner_of(all[0]);
  EXPECT_EQ(owner.kind, OwnerKind::kRaw);
  EXPECT_EQ(owner.detail, "table");
  EXPECT_EQ(owner.device_range, (ByteRange{4096, 512}));
}

TEST(DeviceInfo, RepairUnitOfMemoryIsThePage) {
  for (const bool dax : {false, true}) {
    BlockContext context = disk();
    context.device.dax = dax;
    EXPECT_EQ(device_info(context).repair_unit, dax ? 4096U : 512U);
  }
}

TEST(DeviceInfo, HasWhatTheQueueSays) {
  BlockContext context = disk();
  context.device.logical_block_bytes = 512;
  context.device.physical_block_bytes = 4096;
  context.device.fast_zero_bytes = 65536;
  const auto info = device_info(context);
  EXPECT_EQ(info.logical_block_size, 512U);
  EXPECT_EQ(info.physical_block_size, 4096U);
  EXPECT_EQ(info.fast_zero, 65536U);
}

}  // namespace
}  // namespace pmend::block
