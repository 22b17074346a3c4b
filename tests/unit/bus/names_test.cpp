// SPDX-License-Identifier: Apache-2.0
#include "bus/names.hpp"

#include <gtest/gtest.h>

namespace pmend::bus {
namespace {

TEST(Names, OfObjects) {
  EXPECT_EQ(incident_path(7), "/org/pmend1/incident/7");
  EXPECT_EQ(device_path("/dev/pmem0"), "/org/pmend1/device/pmem0");
  EXPECT_EQ(device_path("/dev/mapper/a-b"), "/org/pmend1/device/mapper_2fa_2db");
  EXPECT_EQ(device_path("0\xFF"), "/org/pmend1/device/_30_ff");
  EXPECT_EQ(device_path(""), "/org/pmend1/device/_");
}

}  // namespace
}  // namespace pmend::bus
