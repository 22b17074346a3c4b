// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/phantoms.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmend::worker {
namespace {

constexpr ByteRange kEntry{4096, 512};
constexpr std::uint64_t kStart = 1U << 30U;

nvdimm::LinearMap device() {
  return nvdimm::LinearMap::make({{{0, 1U << 20U}, kStart}}).value();
}

FirstSeen listed_at(std::uint64_t next_fresh) {
  FirstSeen seen;
  seen.take(RangeSet({kEntry}), true, next_fresh);
  return seen;
}

ScrubRecords scrub(std::uint64_t ended, std::vector<ByteRange> bad = {}) {
  return {ended, RangeSet({{kStart, 1U << 20U}}), RangeSet(bad)};
}

TEST(ScrubCount, IsANumberAndWhetherOneRuns) {
  EXPECT_EQ(parse_scrub_count("7\n").value(), (ScrubCount{7, false}));
  EXPECT_EQ(parse_scrub_count("7+\n").value(), (ScrubCount{7, true}));
  EXPECT_EQ(parse_scrub_count("7").value().next_fresh(), 8U);
  EXPECT_EQ(parse_scrub_count("7+").value().next_fresh(), 9U);
  for (const char* text : {"", "\n", "+", "-1", "7++", "seven", "7 8"}) {
    EXPECT_FALSE(parse_scrub_count(text)) << text;
  }
}

TEST(Phantom, IsListedAndMissingInAScrubThatBeganLater) {
  EXPECT_EQ(is_phantom(kEntry, device(), listed_at(8), scrub(8)), true);
  EXPECT_EQ(is_phantom(kEntry, device(), listed_at(8), scrub(9)), true);
}

TEST(Phantom, CannotBeToldFromAScrubThatMayHaveBegunEarlier) {
  EXPECT_EQ(is_phantom(kEntry, device(), listed_at(8), scrub(7)), std::nullopt);
  // It came while scrub 8 ran, which may have been past the place.
  EXPECT_EQ(is_phantom(kEntry, device(), listed_at(ScrubCount{7, true}.next_fresh()), scrub(8)), std::nullopt);
}

TEST(Phantom, IsNoneIfAnyRecordHasAnyOfIt) {
  EXPECT_EQ(is_phantom(kEntry, device(), listed_at(8), scrub(8, {{kStart + 4096 + 256, 1}})), false);
  EXPECT_EQ(is_phantom(kEntry, device(), listed_at(8), scrub(7, {{kStart + 4096, 512}})), false);
  EXPECT_EQ(is_phantom(kEntry, device(), listed_at(8), scrub(8, {{kStart + 4096 + 512, 512}})), true);
}

TEST(Phantom, NeedsAScrubOfThePlace) {
  ScrubRecords elsewhere = scrub(8);
  elsewhere.covered = RangeSet({{kStart + (1U << 20U), 1U << 20U}});
  EXPECT_EQ(is_phantom(kEntry, device(), listed_at(8), elsewhere), std::nullopt);
  EXPECT_EQ(is_phantom(kEntry, {}, listed_at(8), scrub(8)), std::nullopt);
}

TEST(FirstSeen, WhatComesBackIsNew) {
  FirstSeen seen = listed_at(3);
  seen.take({}, true, 5);
  seen.take(RangeSet({kEntry}), true, 7);
  EXPECT_FALSE(seen.seen_before(kEntry, 6));
  EXPECT_TRUE(seen.seen_before(kEntry, 7));
}

TEST(FirstSeen, KeepsWhatACutListLacks) {
  FirstSeen seen = listed_at(3);
  seen.take(RangeSet({{0, 512}}), false, 5);
  EXPECT_TRUE(seen.seen_before(kEntry, 3));
  EXPECT_FALSE(seen.seen_before({0, 512}, 3));
}

TEST(FirstSeen, ARangeIsAsNewAsItsNewestByte) {
  FirstSeen seen = listed_at(3);
  seen.take(RangeSet({{4096, 1024}}), true, 5);
  EXPECT_FALSE(seen.seen_before({4096, 1024}, 4));
  EXPECT_TRUE(seen.seen_before({4096, 1024}, 5));
  EXPECT_TRUE(seen.seen_before(kEntry, 3));
}

}  // namespace
}  // namespace pmend::worker
