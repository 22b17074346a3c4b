// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace pmend::world {

// The seed of this run's random choices: PMEND_SEED from the environment, else a fresh one. Printed, and recorded in
// the test's result, so that a failure can be replayed.
std::uint64_t test_seed();

// True under `test.sh --long` (PMEND_LONG=1): full counts.
bool long_run();

}  // namespace pmend::world
