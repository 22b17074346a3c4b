// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/extent_index.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace pmend::rmap {
namespace {

// All single blocks of some extents that lie in [first, first + blocks), sorted: pieces do not matter.
std::vector<IndexedExtent> single_blocks(const std::vector<IndexedExtent>& extents, std::uint64_t first,
                                         std::uint64_t blocks) {
  std::vector<IndexedExtent> singles;
  for (const IndexedExtent& extent : extents) {
    const std::uint64_t begin = std::max(first, extent.device_block);
    const std::uint64_t end = std::min(first + blocks, extent.device_block + extent.length);
    for (std::uint64_t block = begin; block < end; ++block) {
      const bool data = extent.role == ExtentRole::kData;
      singles.push_back(
          {block, 1, extent.inode, data ? extent.file_block + (block - extent.device_block) : 0, extent.role});
    }
  }
  std::ranges::sort(singles);
  return singles;
}

std::vector<IndexedExtent> find_in(const ExtentIndex& index, std::uint64_t first, std::uint64_t blocks) {
  std::vector<IndexedExtent> found;
  index.find(first, blocks, found);
  return found;
}

ExtentIndex build(const std::vector<IndexedExtent>& extents) {
  ExtentIndexBuilder builder;
  for (const IndexedExtent& extent : extents) {
    builder.add(extent);
  }
  return std::move(builder).build();
}

TEST(ExtentIndex, OfNothingFindsNothing) {
  EXPECT_THAT(find_in(build({}), 0, ~0ULL), testing::IsEmpty());
  EXPECT_THAT(find_in(ExtentIndex(), 17, 4), testing::IsEmpty());
}

TEST(ExtentIndex, LongExtentIsFoundFromItsMiddleAndWithTheRightFileBlock) {
  const auto index = build({{1000, 1'000'000, 7, 50, ExtentRole::kData}, {5000, 1, 8, 0, ExtentRole::kData}});
  const auto found = find_in(index, 900'123, 1);
  ASSERT_THAT(found, testing::SizeIs(1));
  EXPECT_EQ(found[0].inode, 7U);
  EXPECT_EQ(found[0].file_block + (900'123 - found[0].device_block), 50 + 900'123U - 1000);
  EXPECT_THAT(find_in(index, 999, 1), testing::IsEmpty());
  EXPECT_THAT(find_in(index, 1'001'000, 1), testing::IsEmpty());
  EXPECT_THAT(find_in(index, 5000, 1), testing::SizeIs(2));
}

TEST(ExtentIndex, NumbersBeyond32BitsAreKept) {
  const std::vector<IndexedExtent> extents = {{(1ULL << 40U) + 5, 3, (1ULL << 37U) + 9, 12, ExtentRole::kMap},
                                              {(1ULL << 33U), 3, 1ULL << 45U, 12, ExtentRole::kAttributes},
                                              {(1ULL << 47U), 100'000, 3, 1ULL << 41U, ExtentRole::kData}};
  const auto index = build(extents);
  for (const IndexedExtent& extent : extents) {
    EXPECT_EQ(single_blocks(find_in(index, extent.device_block + 1, 2), extent.device_block + 1, 2),
              single_blocks({extent}, extent.device_block + 1, 2));
  }
}

TEST(ExtentIndex, WhatNoDeviceCanHaveIsLeftOut) {
  const auto index = build({{kMostDeviceBlocks, 1, 3, 0, ExtentRole::kData},
                            {5, ~0ULL, 3, 0, ExtentRole::kData},
                            {5, 0, 3, 0, ExtentRole::kData},
                            {5, 1, 1ULL << 62U, 0, ExtentRole::kData}});
  EXPECT_EQ(index.pieces(), 0U);
}

TEST(ExtentIndex, TakesAtMostSixteenBytesAnExtent) {
  std::vector<IndexedExtent> extents;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    extents.push_back({i * 5, 4, i, i, ExtentRole::kData});
  }
  const auto index = build(extents);
  EXPECT_EQ(index.pieces(), extents.size());
  EXPECT_LE(index.bytes(), 16 * extents.size());
}

// Against the list itself, for extents that overlap and for every shape of number.
class ExtentIndexModel : public testing::TestWithParam<unsigned> {};

TEST_P(ExtentIndexModel, FindsWhatAListOfAllFinds) {
  std::mt19937_64 random(GetParam());
  const auto below = [&random](std::uint64_t limit) { return random() % limit; };
  const std::uint64_t span = 1ULL << (8 + below(12));
  const std::uint64_t base = below(4) == 0 ? below(kMostDeviceBlocks / 2) : 0;
  std::vector<IndexedExtent> extents;
  for (std::uint64_t i = 0, count = below(600); i < count; ++i) {
    const std::uint64_t length = 1 + (below(20) == 0 ? below(200'000) : below(40));
    const std::uint64_t inode = below(10) == 0 ? below(1ULL << 62U) : below(1ULL << 33U);
    const std::uint64_t file_block = below(10) == 0 ? below(1ULL << 50U) : below(1ULL << 31U);
    extents.push_back({base + below(span), length, inode, file_block, static_cast<ExtentRole>(below(3))});
  }
  const auto index = build(extents);
  for (int i = 0; i < 200; ++i) {
    const std::uint64_t first = base + below(span + 50);
    const std::uint64_t blocks = 1 + below(30);
    ASSERT_EQ(single_blocks(find_in(index, first, blocks), first, blocks), single_blocks(extents, first, blocks));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ExtentIndexModel, testing::Range(1U, 13U));

}  // namespace
}  // namespace pmend::rmap
