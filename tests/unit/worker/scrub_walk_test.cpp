// SPDX-License-Identifier: Apache-2.0
#include "worker/scrub_walk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace pmend::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kMiB = 1U << 20U;

// A device that is only its bad and silent places.
struct FakeDevice {
  std::uint64_t bytes = 16 * kMiB;
  std::uint64_t block = 512;
  RangeSet bad;
  RangeSet silent;
  std::optional<std::uint64_t> gone_at;           // from this byte on reads fail with ENXIO
  std::optional<std::uint64_t> cancelled_behind;  // this byte

  std::vector<ByteRange> reads;
  std::vector<ByteRange> pieces;
  RangeSet good;
  RangeSet unreadable;
  RangeSet unanswered;

  Result<PieceRead> read(const ByteRange& piece) {
    reads.push_back(piece);
    if (gone_at && piece.end() > *gone_at) {
      return fail_errno("read", ENXIO);
    }
    if (silent.overlaps(piece)) {
      return PieceRead::kNoAnswer;
    }
    return bad.overlaps(piece) ? PieceRead::kUnreadable : PieceRead::kGood;
  }

  Result<bool> take(const ByteRange& piece, const PieceFinds& finds) {
    pieces.push_back(piece);
    for (const auto& [from, to] : {std::pair(&finds.good, &good), std::pair(&finds.unreadable, &unreadable),
                                   std::pair(&finds.unanswered, &unanswered)}) {
      for (const ByteRange& range : from->ranges()) {
        to->insert(range);
      }
    }
    return !cancelled_behind || piece.end() <= *cancelled_behind;
  }

  Result<std::uint64_t> walk() {
    return walk_device(bytes, block,
                       {[this](const ByteRange& piece) { return read(piece); },
                        [this](const ByteRange& piece, const PieceFinds& finds) { return take(piece, finds); }});
  }
};

TEST(WalkDevice, ReadsAHealthyOneInLargePiecesAndEachByteOnce) {
  FakeDevice device;
  device.bytes = 10 * kMiB;
  EXPECT_EQ(device.walk().value(), 10 * kMiB);
  EXPECT_THAT(device.reads,
              ElementsAre(ByteRange{0, 4 * kMiB}, ByteRange{4 * kMiB, 4 * kMiB}, ByteRange{8 * kMiB, 2 * kMiB}));
  EXPECT_EQ(device.good, RangeSet({{0, 10 * kMiB}}));
}

TEST(WalkDevice, FindsExactlyTheBadSectors) {
  FakeDevice device;
  device.bad = RangeSet({{0, 512}, {5 * kMiB + 512, 1024}, {8 * kMiB - 512, 1024}, {16 * kMiB - 512, 512}});
  EXPECT_EQ(device.walk().value(), device.bytes);
  EXPECT_EQ(device.unreadable, device.bad);
  EXPECT_THAT(device.unanswered.ranges(), IsEmpty());
  EXPECT_THAT(device.good.missing({0, device.bytes}), SizeIs(4));
  // One large, 64 small, 128 blocks for each bad place that lies in one small piece.
  EXPECT_LT(device.reads.size(), 4 + 5 * (64 + 128U));
}

TEST(WalkDevice, OneBadSectorTakesItsWholeLogicalBlockAlong) {
  FakeDevice device;
  device.block = 4096;
  device.bad = RangeSet({{8192 + 1024, 512}});
  EXPECT_TRUE(device.walk().has_value());
  EXPECT_THAT(device.unreadable.ranges(), ElementsAre(ByteRange{8192, 4096}));
  for (const ByteRange& read : device.reads) {
    EXPECT_EQ(read.offset % 4096, 0U);
    EXPECT_EQ(read.length % 4096, 0U);
  }
}

TEST(WalkDevice, AnIncompleteBlockAtTheEndIsLeftOut) {
  FakeDevice device;
  device.block = 4096;
  device.bytes = 4 * kMiB + 4096 + 512;
  EXPECT_EQ(device.walk().value(), 4 * kMiB + 4096);
}

TEST(WalkDevice, WhatGivesNoAnswerIsNotCountedAsBad) {
  FakeDevice device;
  device.silent = RangeSet({{kMiB, 512}});
  device.bad = RangeSet({{kMiB + 512, 512}});
  EXPECT_EQ(device.walk().value(), device.bytes);
  EXPECT_EQ(device.unanswered, device.silent);
  EXPECT_EQ(device.unreadable, device.bad);
}

TEST(WalkDevice, ADeviceThatAnswersNoMoreEndsItAndKeepsWhatWasFound) {
  FakeDevice device;
  device.bad = RangeSet({{4 * kMiB, 512}});
  device.silent = RangeSet({{4 * kMiB + 65536, 12 * kMiB - 65536}});
  const auto end = device.walk();
  ASSERT_FALSE(end.has_value());
  EXPECT_TRUE(end.error().is(Errc::kTimedOut));
  EXPECT_EQ(device.unreadable, device.bad);
  EXPECT_EQ(device.unanswered.total_bytes(), 512U * static_cast<unsigned>(kMostUnanswered));
}

TEST(WalkDevice, ADeviceThatGoesAwayEndsItAndKeepsWhatWasFound) {
  FakeDevice device;
  device.bad = RangeSet({{8 * kMiB, 512}});
  device.gone_at = 9 * kMiB;
  const auto end = device.walk();
  ASSERT_FALSE(end.has_value());
  EXPECT_TRUE(end.error().is_errno(ENXIO));
  EXPECT_THAT(device.pieces, SizeIs(3));
}

TEST(WalkDevice, CancelledItEndsBehindThePieceThatItIsAt) {
  FakeDevice device;
  device.cancelled_behind = 4 * kMiB;
  EXPECT_EQ(device.walk().value(), 8 * kMiB);
  EXPECT_THAT(device.reads, SizeIs(2));
}

TEST(WalkDevice, AnEmptyDeviceIsDoneAtOnce) {
  FakeDevice device;
  device.bytes = 0;
  EXPECT_EQ(device.walk().value(), 0U);
  EXPECT_THAT(device.reads, IsEmpty());
}

}  // namespace
}  // namespace pmend::worker
