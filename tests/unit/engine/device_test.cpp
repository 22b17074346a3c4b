// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/device.hpp"

#include <gtest/gtest.h>

namespace pmend::engine {
namespace {

constexpr WallTime kEarlier{std::chrono::seconds(1'800'000'000)};
constexpr WallTime kLater{std::chrono::seconds(1'800'000'060)};

TEST(PastRepairs, FindsWhatOverlapsWithTheMostRepairs) {
  PastRepairs past;
  past.add({{1U << 20U, 512}, kLater, 9, 9});
  past.add({{8192, 512}, kEarlier, 3, 3});
  past.add({{0, 65536}, kLater, 1, 1});
  const auto found = past.find({{8192, 512}});
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (PastRepair{{8192, 512}, kLater, 3, 3}));
  EXPECT_EQ(past.find({{60000, 512}})->repairs, 1U);
  EXPECT_FALSE(past.find({{65536, 512}}));
  EXPECT_FALSE(past.find({}));
}

TEST(PastRepairs, LooksAtEachRangeAndNotBetweenThem) {
  PastRepairs past;
  past.add({{1024, 512}, kEarlier, 1, 1});
  EXPECT_FALSE(past.find({{0, 1024}, {1536, 512}}));
  EXPECT_TRUE(past.find({{0, 512}, {1024, 512}}));
}

TEST(PastRepairs, AHundredThousandOfThemAreSearchedQuickly) {
  PastRepairs past;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    past.add({{i * 4096, 512}, kEarlier, 1, 1});
  }
  std::uint64_t found = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    found += past.find({{i * 4096 + 256, 8}, {i * 4096 + 1024, 512}}) ? 1U : 0U;
  }
  EXPECT_EQ(found, 100'000U);
}

TEST(Device, AnImpossibleUnitBecomesAPage) {
  Device device;
  for (const std::uint64_t told : {0ULL, 1ULL, 4095ULL, 1ULL << 40U}) {
    device.info.repair_unit = told;
    EXPECT_EQ(device.unit(), 4096U);
  }
  device.info.repair_unit = 512;
  EXPECT_EQ(device.unit(), 512U);
}

TEST(Device, ListsAreCompleteOnlyTogether) {
  Device device;
  EXPECT_FALSE(device.lists_complete());
  device.lists["badblocks"] = {{}, true};
  EXPECT_TRUE(device.lists_complete());
  device.lists["ars"] = {{}, false};
  EXPECT_FALSE(device.lists_complete());
}

TEST(Device, WhatIsBeingSettledIsNotListed) {
  Device device;
  device.lists["badblocks"].ranges.insert({0, 1024});
  device.settling.insert({0, 512});
  EXPECT_EQ(device.listed().ranges(), (std::vector<ByteRange>{{512, 512}}));
}

}  // namespace
}  // namespace pmend::engine
