// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/trace_events.hpp"

#include "worker/observe/block_errors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace pmend::worker {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

constexpr std::uint64_t kMemoryScrub = 0xbd000000000000c0;
constexpr std::uint64_t kAddress = 0x40a28640;

TEST(LostMemoryTest, ExtentIsWhatTheMachineCheckSays) {
  EXPECT_EQ(lost_memory(MachineCheck{kMemoryScrub, kAddress, 0x8c, 0}), (ByteRange{0x40a28000, 4096}));
  EXPECT_EQ(lost_memory(MachineCheck{kMemoryScrub, kAddress, 0x86, 0}), (ByteRange{0x40a28640, 64}));
  EXPECT_EQ(lost_memory(MachineCheck{kMemoryScrub, kAddress, 0xbf, 0}), (ByteRange{0x40a28000, 4096}))
      << "an extent that cannot be true";
  EXPECT_EQ(lost_memory(MachineCheck{kMemoryScrub & ~(1ULL << 59U), kAddress, 0x86, 0}), (ByteRange{0x40a28000, 4096}))
      << "MISC is not valid";
  EXPECT_EQ(lost_memory(MachineCheck{kMemoryScrub, kAddress, 0x86, 2}), (ByteRange{0x40a28000, 4096}))
      << "AMD's MISC says something else";
}

TEST(LostMemoryTest, OnlyMemoryThatIsLostForGoodAndHasAnAddress) {
  EXPECT_FALSE(lost_memory(MachineCheck{kMemoryScrub & ~(1ULL << 61U), kAddress, 0x8c, 0})) << "corrected";
  EXPECT_FALSE(lost_memory(MachineCheck{kMemoryScrub & ~(1ULL << 58U), kAddress, 0x8c, 0})) << "no address";
  EXPECT_FALSE(lost_memory(MachineCheck{kMemoryScrub & ~(1ULL << 63U), kAddress, 0x8c, 0})) << "not valid";
  EXPECT_FALSE(lost_memory(MachineCheck{0xbd00000000000e0b, kAddress, 0x8c, 0})) << "an I/O error";
  EXPECT_TRUE(lost_memory(MachineCheck{0xbd00000000000134, kAddress, 0x8c, 0})) << "consumed";
  EXPECT_TRUE(lost_memory(MachineCheck{(kMemoryScrub & ~(1ULL << 61U)) | 1ULL << 44U, kAddress, 0, 2})) << "deferred";
  EXPECT_FALSE(lost_memory(MachineCheck{kMemoryScrub, ~0ULL, 0x8c, 0})) << "no machine's address";
}

TEST(LostMemoryTest, PagesAndCxlAddresses) {
  EXPECT_EQ(lost_memory(MemoryFailure{0x40a28, ""}), (ByteRange{0x40a28000, 4096}));
  EXPECT_FALSE(lost_memory(MemoryFailure{~0ULL, ""}));
  EXPECT_EQ(lost_memory(CxlMediaError{0x1000, 64, "mem0"}), (ByteRange{0x1000, 64}));
  EXPECT_FALSE(lost_memory(CxlMediaError{~0ULL, 64, "mem0"})) << "in no region";
  EXPECT_FALSE(lost_memory(CxlMediaError{0x1000, 64, "mem0", false, true})) << "corrected";
}

TEST(LostMemoryTest, WhatWasPoisonedAlreadyIsNotCountedTwice) {
  EXPECT_TRUE((MemoryFailure{1, "pfn 0x1: recovery action for dax page: Recovered"}).counts());
  EXPECT_FALSE((MemoryFailure{1, "pfn 0x1: recovery action for already poisoned: Ignored"}).counts());
}

TEST(LostBlocksTest, OnlyReadsThatSayThatTheMediumLostBytes) {
  EXPECT_EQ(lost_blocks(BlockError{8, 0, {8, 2}, EIO, "R"}), (ByteRange{4096, 1024}));
  EXPECT_EQ(lost_blocks(BlockError{8, 0, {8, 2}, ENODATA, "RSM"}), (ByteRange{4096, 1024}));
  EXPECT_FALSE(lost_blocks(BlockError{8, 0, {8, 2}, ENOLINK, "R"})) << "transport";
  EXPECT_FALSE(lost_blocks(BlockError{8, 0, {8, 2}, EIO, "WS"}));
  EXPECT_FALSE(lost_blocks(BlockError{8, 0, {8, 2}, EIO, "ZR"})) << "a zone reset";
  EXPECT_FALSE(lost_blocks(BlockError{8, 0, {8, 2}, EIO, ""}));
  EXPECT_FALSE(lost_blocks(BlockError{8, 0, {8, 0}, EIO, "R"}));
  EXPECT_FALSE(lost_blocks(BlockError{8, 0, {~0ULL, 8}, EIO, "R"}));
}

class BlockErrorsTest : public testing::Test {
 protected:
  bool add(std::uint64_t offset, std::uint64_t length = 512) { return errors_.add({offset, length}, now_); }

  BlockErrors errors_;
  BlockErrors::Time now_;
};

TEST_F(BlockErrorsTest, WholePagesAreReadOnce) {
  EXPECT_FALSE(errors_.ready());
  EXPECT_TRUE(add(4096 + 512));
  EXPECT_FALSE(add(4096)) << "the same page";
  EXPECT_TRUE(add(4096, 8192)) << "more of it";
  ASSERT_TRUE(errors_.ready());
  EXPECT_THAT(errors_.take().ranges(), ElementsAre(ByteRange{4096, 8192}));
}

TEST_F(BlockErrorsTest, OwnReadsThatFailAskForNothing) {
  add(4096);
  errors_.take();
  EXPECT_FALSE(add(4096)) << "it is being read";
  EXPECT_TRUE(add(65536)) << "somebody else's";
  EXPECT_FALSE(errors_.ready()) << "one after the other";
  errors_.done(now_);
  EXPECT_FALSE(add(4096)) << "it was read";
  EXPECT_TRUE(errors_.ready());
  EXPECT_THAT(errors_.take().ranges(), ElementsAre(ByteRange{65536, 4096}));
}

TEST_F(BlockErrorsTest, WhatFailsAgainMuchLaterIsReadAgain) {
  add(4096);
  errors_.take();
  errors_.done(now_);
  now_ += kRereadPause - seconds(1);
  EXPECT_FALSE(add(4096));
  now_ += seconds(1);
  EXPECT_TRUE(add(4096));
}

TEST_F(BlockErrorsTest, ADiskThatFailsEverywhereIsNotFollowed) {
  for (std::uint64_t i = 0; i < kMostBlockErrors; ++i) {
    EXPECT_TRUE(add(i * 8192));
  }
  EXPECT_FALSE(add(1U << 30U));
  EXPECT_EQ(errors_.take().ranges().size(), kMostBlockErrors);
}

}  // namespace
}  // namespace pmend::worker
