// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/range_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bitset>
#include <random>

namespace pmend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(RangeSet, MergesTouchingRanges) {
  RangeSet set({{0, 512}, {1024, 512}});
  set.insert({512, 512});
  EXPECT_THAT(set.ranges(), ElementsAre(ByteRange{0, 1536}));
}

TEST(RangeSet, EraseSplitsExactly) {
  RangeSet set({{0, 4096}});
  EXPECT_TRUE(set.erase({512, 512}));
  EXPECT_THAT(set.ranges(), ElementsAre(ByteRange{0, 512}, ByteRange{1024, 3072}));
  EXPECT_FALSE(set.erase({512, 512}));
}

TEST(RangeSet, CoversOnlyWholeRanges) {
  const RangeSet set({{512, 1024}});
  EXPECT_TRUE(set.covers({512, 1024}));
  EXPECT_TRUE(set.covers({700, 0}));
  EXPECT_FALSE(set.covers({511, 2}));
  EXPECT_FALSE(set.covers({1000, 1024}));
}

TEST(RangeSet, TellsCommonAndMissingParts) {
  const RangeSet set({{10, 10}, {30, 10}});
  EXPECT_THAT(set.common({15, 20}), ElementsAre(ByteRange{15, 5}, ByteRange{30, 5}));
  EXPECT_THAT(set.missing({5, 40}), ElementsAre(ByteRange{5, 5}, ByteRange{20, 10}, ByteRange{40, 5}));
  EXPECT_THAT(set.missing({12, 4}), IsEmpty());
}

TEST(RangeSet, EmptyRangesChangeNothing) {
  RangeSet set;
  set.insert({100, 0});
  EXPECT_TRUE(set.empty());
  EXPECT_FALSE(set.overlaps({0, 1000}));
}

// The same random operations on a RangeSet and on a plain bitmap.
TEST(RangeSet, AgreesWithABitmapOnRandomOperations) {
  constexpr std::size_t kSize = 256;
  std::mt19937_64 random(20261122);
  std::uniform_int_distribution<std::uint64_t> position(0, kSize - 1);
  std::bitset<kSize> bitmap;
  RangeSet set;
  for (int step = 0; step < 20000; ++step) {
    const std::uint64_t offset = position(random);
    const ByteRange range{offset, position(random) % (kSize - offset) % 40};
    bool any = false;
    const bool insert = random() % 2 == 0;
    for (std::uint64_t i = range.offset; i < range.end(); ++i) {
      any = any || bitmap[i];
      bitmap[i] = insert;
    }
    EXPECT_EQ(set.overlaps(range), any);
    if (insert) {
      set.insert(range);
    } else {
      EXPECT_EQ(set.erase(range), any);
    }
    ASSERT_EQ(set.total_bytes(), bitmap.count());
  }
  for (std::uint64_t i = 0; i < kSize; ++i) {
    EXPECT_EQ(set.covers({i, 1}), bitmap[i]);
  }
}

}  // namespace
}  // namespace pmend
