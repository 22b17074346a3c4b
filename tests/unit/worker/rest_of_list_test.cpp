// SPDX-License-Identifier: Apache-2.0
#include "worker/rest_of_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmend::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Medium {
  RangeSet bad;
  int reads = 0;

  Result<PieceRead> read(const ByteRange& piece) {
    ++reads;
    return bad.overlaps(piece) ? PieceRead::kUnreadable : PieceRead::kGood;
  }
  RangeSet find(const ByteRange& range, std::uint64_t block_bytes = 512) {
    RangeSet found;
    const auto looked = find_unreadable(
        range, block_bytes, [this](const ByteRange& piece) { return read(piece); }, found);
    EXPECT_TRUE(looked);
    return found;
  }
};

TEST(FindUnreadable, FindsABlockInFewReads) {
  Medium medium{RangeSet({{1U << 20U, 512}})};
  EXPECT_THAT(medium.find({0, kScrubPieceBytes}).ranges(), ElementsAre(ByteRange{1U << 20U, 512}));
  EXPECT_LE(medium.reads, 27);
}

TEST(FindUnreadable, ReadsWhatIsGoodOnce) {
  Medium medium;
  EXPECT_THAT(medium.find({4096, kScrubPieceBytes}).ranges(), IsEmpty());
  EXPECT_EQ(medium.reads, 1);
}

TEST(FindUnreadable, FindsAllOfItInPiecesOfAnyLength) {
  for (std::uint64_t blocks = 1; blocks < 40; ++blocks) {
    for (std::uint64_t block = 0; block < blocks; ++block) {
      Medium medium{RangeSet({{8192 + block * 512, 512}, {8192, 512}})};
      EXPECT_EQ(medium.find({8192, blocks * 512}), medium.bad) << block << " of " << blocks;
    }
  }
  Medium all{RangeSet({{0, 1U << 16U}})};
  EXPECT_EQ(all.find({0, 1U << 16U}), all.bad);
}

TEST(FindUnreadable, TellsWholeBlocks) {
  Medium medium{RangeSet({{5000, 10}})};
  EXPECT_THAT(medium.find({0, 65536}, 4096).ranges(), ElementsAre(ByteRange{4096, 4096}));
}

TEST(FindUnreadable, EndsWithTheDevice) {
  RangeSet found;
  const auto looked = find_unreadable(
      {0, 4096}, 512, [](const ByteRange&) -> Result<PieceRead> { return fail_errno("read", ENXIO); }, found);
  ASSERT_FALSE(looked);
  EXPECT_TRUE(looked.error().is_errno(ENXIO));
}

}  // namespace
}  // namespace pmend::worker
