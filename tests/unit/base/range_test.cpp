// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/range.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace pmend {
namespace {

constexpr std::uint64_t kMaxOffset = 0x7FFFFFFFFFFFFFFF;

TEST(ByteRange, MayEndAtTheLargestOffsetAndNotBehindIt) {
  EXPECT_TRUE(make_byte_range(kMaxOffset, 0).has_value());
  EXPECT_TRUE(make_byte_range(0, kMaxOffset).has_value());
  EXPECT_FALSE(make_byte_range(1, kMaxOffset).has_value());
  EXPECT_FALSE(make_byte_range(UINT64_MAX, UINT64_MAX).has_value());
}

TEST(SectorRange, BecomesBytesUnlessItDoesNotFit) {
  EXPECT_EQ(*to_bytes(SectorRange{2, 3}), (ByteRange{1024, 1536}));
  EXPECT_FALSE(to_bytes(SectorRange{kMaxOffset / kSectorBytes, 1}).has_value());
  EXPECT_FALSE(to_bytes(SectorRange{UINT64_MAX, 2}).has_value());
}

TEST(SectorRange, OfBytesCoversPartlyTouchedSectors) {
  EXPECT_EQ(touched_sectors({511, 2}), (SectorRange{0, 2}));
  EXPECT_EQ(touched_sectors({512, 512}), (SectorRange{1, 1}));
}

TEST(ByteRange, RoundsOutAndIn) {
  EXPECT_EQ(round_out({4095, 2}, 4096), (ByteRange{0, 8192}));
  EXPECT_EQ(round_out({4096, 4096}, 4096), (ByteRange{4096, 4096}));
  EXPECT_TRUE(round_out({5000, 0}, 4096).empty());
  EXPECT_EQ(round_in({1, 8191}, 4096), (ByteRange{4096, 4096}));
  EXPECT_TRUE(round_in({1, 4095}, 4096).empty());
}

TEST(ByteRange, TouchingRangesDoNotOverlap) {
  EXPECT_FALSE((ByteRange{0, 512}).overlaps({512, 512}));
  EXPECT_FALSE(intersect({0, 512}, {512, 512}).has_value());
  EXPECT_EQ(intersect({0, 513}, {512, 512}), (ByteRange{512, 1}));
}

}  // namespace
}  // namespace pmend
