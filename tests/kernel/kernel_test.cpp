// SPDX-License-Identifier: Apache-2.0
#include "kernel/kernel_test.hpp"

#include "support/mounts.hpp"
#include "support/world.hpp"

namespace pmend::world {

void KernelTest::SetUp() {
  if (const auto reason = World::unavailable()) {
    GTEST_SKIP() << *reason;
  }
  enter_private_mount_namespace();
}

}  // namespace pmend::world
