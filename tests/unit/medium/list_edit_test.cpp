// SPDX-License-Identifier: Apache-2.0
#include "medium/list_edit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmend::medium {
namespace {

using testing::ElementsAre;

constexpr std::uint64_t kListedBytes = 100 * kSectorBytes;

TEST(ListEdit, ReadsInjectionsAndRemovals) {
  EXPECT_THAT(parse_badblocks_edits("8 1\n-99 1", kListedBytes).value(),
              ElementsAre(ListEdit{ListEdit::Kind::kPoison, {4096, 512}},
                          ListEdit{ListEdit::Kind::kRemove, {99 * kSectorBytes, 512}}));
}

TEST(ListEdit, ReadsPhantoms) {
  EXPECT_THAT(parse_phantom_edits("phantom 0 100\n", kListedBytes).value(),
              ElementsAre(ListEdit{ListEdit::Kind::kPhantom, {0, kListedBytes}}));
}

TEST(ListEdit, OneBadLineSpoilsAll) {
  for (const char* line : {"",
                           "8",
                           "8 1 1",
                           "8 0",
                           "x 1",
                           "8 x",
                           "--8 1",
                           "- 8 1",
                           "8 -1",
                           "+8 1",
                           "100 1",
                           "99 2",
                           "0 101",
                           "18446744073709551615 1",
                           "1 18446744073709551615",
                           "99999999999999999999 1",
                           "36028797018963968 1",
                           "18014398509481983 1",
                           "phantom 8 1",
                           "8 1;",
                           "\xFF\xFE 1"}) {
    EXPECT_FALSE(parse_badblocks_edits("8 1\n" + std::string(line) + "\n", kListedBytes).has_value()) << line;
    EXPECT_FALSE(parse_badblocks_edits(std::string(line) + "\n8 1\n", kListedBytes).has_value()) << line;
  }
  for (const char* line : {"", "8 1", "-8 1", "phantom", "phantom 8", "phantom 8 0", "phantom 100 1", "poison 8 1",
                           "Phantom 8 1", "phantom -8 1", "phantom 8 1 1"}) {
    EXPECT_FALSE(parse_phantom_edits("phantom 8 1\n" + std::string(line) + "\n", kListedBytes).has_value()) << line;
  }
  EXPECT_FALSE(parse_badblocks_edits("", kListedBytes).has_value());
  EXPECT_FALSE(parse_badblocks_edits(std::string_view("8 1\0", 4), kListedBytes).has_value());
}

}  // namespace
}  // namespace pmend::medium
