// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/unit_runs.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace pmend::engine {
namespace {

using protocol::ObservedRange;

constexpr std::uint64_t kUnit = 4096;

ObservedRange owned(ByteRange range, std::uint64_t inode) {
  Owner owner;
  owner.kind = OwnerKind::kFile;
  owner.file = FileId{inode, 1};
  owner.device_range = range;
  ObservedRange seen;
  seen.device_range = range;
  seen.owners = {owner};
  return seen;
}

TEST(UnitRuns, AdjoiningUnitsAreOneRunAndAGapOfAUnitEndsIt) {
  const std::vector<BadRun> runs = unit_runs({{0, 512}, {4096 + 1024, 512}, {3 * 4096, 512}}, kUnit, 100);
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0], (BadRun{{0, 512}, {4096 + 1024, 512}}));
  EXPECT_EQ(runs[1], (BadRun{{3 * 4096, 512}}));
}

TEST(UnitRuns, SectorsOfOneUnitAreOneRun) {
  EXPECT_EQ(unit_runs({{0, 512}, {1024, 512}, {3584, 512}}, kUnit, 100).size(), 1U);
}

TEST(UnitRuns, NoRunHasMoreUnitsThanAPlanMayHave) {
  const std::uint64_t length = (2 * kMaxUnitsPerPlan + 3) * kUnit;
  const std::vector<BadRun> runs = unit_runs({{512, length}}, kUnit, 100);
  ASSERT_EQ(runs.size(), 3U);
  std::uint64_t total = 0;
  for (const BadRun& run : runs) {
    EXPECT_LE(units_of(span_of(run), kUnit), kMaxUnitsPerPlan);
    total += span_of(run).length;
  }
  EXPECT_EQ(total, length);
}

TEST(UnitRuns, AListThatNamesAWholeDeviceDoesNotBecomeAMillionRuns) {
  const std::vector<BadRun> runs = unit_runs({{0, 1ULL << 62U}}, 512, 8);
  ASSERT_EQ(runs.size(), 8U);
  EXPECT_EQ(runs.back().back().end(), 1ULL << 62U);
}

TEST(SplitByOwner, CutsWhereTheOwnerOfAUnitChanges) {
  const BadRun run = {{0, 512}, {4096, 512}, {8192, 512}};
  const auto parts = split_by_owner(run, {owned({0, 512}, 1), owned({4096, 512}, 1), owned({8192, 512}, 2)}, kUnit);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].bad, (BadRun{{0, 512}, {4096, 512}}));
  EXPECT_EQ(parts[0].owners.size(), 2U);
  EXPECT_EQ(parts[1].bad, (BadRun{{8192, 512}}));
}

TEST(SplitByOwner, CutsOneRangeAtUnitBorders) {
  const auto parts = split_by_owner({{0, 8192}}, {owned({0, 4096}, 1), owned({4096, 4096}, 2)}, kUnit);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].bad, (BadRun{{0, 4096}}));
  EXPECT_EQ(parts[1].bad, (BadRun{{4096, 4096}}));
}

TEST(SplitByOwner, AUnitThatTwoFilesShareBelongsToBoth) {
  const auto parts = split_by_owner({{0, 512}, {1024, 512}}, {owned({0, 512}, 1), owned({1024, 512}, 2)}, kUnit);
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].owners.size(), 2U);
}

TEST(SplitByOwner, WhatTheObserverLeftOutIsUnknown) {
  const auto parts = split_by_owner({{0, 1024}}, {owned({0, 512}, 1)}, kUnit);
  ASSERT_EQ(parts.size(), 1U);
  ASSERT_EQ(parts[0].owners.size(), 2U);
  EXPECT_EQ(parts[0].owners[1].kind, OwnerKind::kUnknown);
  EXPECT_EQ(parts[0].owners[1].device_range, (ByteRange{512, 512}));
}

TEST(SplitByOwner, APhantomAnywhereInARunIsOne) {
  std::vector<ObservedRange> seen = {owned({0, 512}, 1), owned({1024, 512}, 1)};
  seen[1].phantom = true;
  EXPECT_EQ(split_by_owner({{0, 512}, {1024, 512}}, seen, kUnit)[0].phantom, true);
  seen[1].phantom.reset();
  EXPECT_EQ(split_by_owner({{0, 512}, {1024, 512}}, seen, kUnit)[0].phantom, std::nullopt);
}

}  // namespace
}  // namespace pmend::engine
