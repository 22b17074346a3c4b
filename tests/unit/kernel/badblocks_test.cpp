// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/badblocks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pmend::kernel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(BadblocksText, EmptyListIsCompleteInBothItsForms) {
  for (const char* text : {"", "\n"}) {
    const auto list = parse_badblocks(text);
    ASSERT_TRUE(list.has_value());
    EXPECT_THAT(list->entries, IsEmpty());
    EXPECT_TRUE(list->complete);
  }
}

TEST(BadblocksText, ReadsEntriesInOrder) {
  const auto list = parse_badblocks("8 1\n4096 512\n");
  ASSERT_TRUE(list.has_value());
  EXPECT_THAT(list->entries, ElementsAre(SectorRange{8, 1}, SectorRange{4096, 512}));
  EXPECT_TRUE(list->complete);
}

TEST(BadblocksText, CutLineIsDroppedAndMakesTheListIncomplete) {
  const auto list = parse_badblocks("8 1\n10420");
  ASSERT_TRUE(list.has_value());
  EXPECT_THAT(list->entries, ElementsAre(SectorRange{8, 1}));
  EXPECT_FALSE(list->complete);
}

TEST(BadblocksText, NearlyFullPageIsIncompleteEvenIfItEndsInANewline) {
  std::string text;
  while (text.size() < kBadblocksSuspectLength) {
    text += "1000 1\n";
  }
  const auto list = parse_badblocks(text);
  ASSERT_TRUE(list.has_value());
  EXPECT_FALSE(list->complete);
}

TEST(BadblocksText, WhatIsPrintedInFullIsReadBack) {
  const std::vector<SectorRange> entries{{0, 1}, {100, 512}, {10000, 8}};
  const auto list = parse_badblocks(format_badblocks(entries));
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->entries, entries);
}

TEST(BadblocksText, PrintsLongEntriesInPiecesAsTheKernelHoldsThem) {
  EXPECT_EQ(format_badblocks({{100, 1025}}), "100 512\n612 512\n1124 1\n");
  EXPECT_EQ(format_badblocks({}), "\n");
}

TEST(BadblocksText, PrintsNoMoreThanAPageAndCutsInMidLine) {
  std::vector<SectorRange> entries;
  for (std::uint64_t i = 0; i < 512; ++i) {
    entries.push_back({1000000 + i * 8, 1});
  }
  const std::string text = format_badblocks(entries);
  EXPECT_EQ(text.size(), kBadblocksTextLimit);
  EXPECT_NE(text.back(), '\n');
  const auto list = parse_badblocks(text);
  ASSERT_TRUE(list.has_value());
  EXPECT_FALSE(list->complete);
  EXPECT_EQ(list->entries.size(), kBadblocksTextLimit / 10);
}

TEST(BadblocksText, GarbageIsAnErrorWithItsLine) {
  for (const char* text :
       {"8 1\nhello\n", "8 1\n8\n", "8 1\n-8 1\n", "8 1\n8 -1\n", "8 1\n8 0\n", "8 1\n\n", "8 1\n8  1\n",
        "8 1\n99999999999999999999 1\n", "8 1\n9223372036854775807 1\n", "8 1\n8 1 x\n"}) {
    const auto list = parse_badblocks(text);
    ASSERT_FALSE(list.has_value()) << text;
    EXPECT_TRUE(list.error().is(Errc::kInvalid));
    EXPECT_THAT(list.error().message(), HasSubstr("line 2"));
  }
}

}  // namespace
}  // namespace pmend::kernel
