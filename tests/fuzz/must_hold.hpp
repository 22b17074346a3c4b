// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>

namespace pmend::fuzz {

// What has to be true whatever the input is. Ends the process as a crash does, so that the fuzzer keeps the input.
inline void must_hold(bool condition, const char* what) {
  if (!condition) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

}  // namespace pmend::fuzz
