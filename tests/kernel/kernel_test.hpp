// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

namespace pmend::world {

// Base of all tests that need a real kernel: skips with the reason where no world can be built, and works in a mount
// namespace of its own.
class KernelTest : public testing::Test {
 protected:
  void SetUp() override;
};

}  // namespace pmend::world
