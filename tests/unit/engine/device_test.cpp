// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/device.hpp"

#include <gtest/gtest.h>

namespace pmend::engine {
namespace {

TEST(PastRepairs, FindsWhatOverlapsWithTheMostRepairs) {
  PastRepairs past;
  past.add({{0, 65536}, 1, 1});
  past.add({{8192, 512}, 3, 3});
  past.add({{1U << 20U, 512}, 9, 9});
  ASSERT_TRUE(past.find({8192, 512}));
  EXPECT_EQ(past.find({8192, 512})->repairs, 3U);
  EXPECT_EQ(past.find({60000, 512})->repairs, 1U);
  EXPECT_FALSE(past.find({65536, 512}));
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
