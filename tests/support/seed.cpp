// SPDX-License-Identifier: Apache-2.0
#include "support/seed.hpp"

#include "pmend/base/text.hpp"
#include "support/must.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <random>

namespace pmend::world {

std::uint64_t test_seed() {
  const char* given = std::getenv("PMEND_SEED");
  const std::uint64_t seed = given != nullptr ? must(parse_u64(given)) : std::random_device()();
  std::printf("PMEND_SEED=%llu replays this run\n", static_cast<unsigned long long>(seed));
  testing::Test::RecordProperty("seed", std::to_string(seed));
  return seed;
}

bool long_run() {
  const char* given = std::getenv("PMEND_LONG");
  return given != nullptr && std::string_view(given) == "1";
}

}  // namespace pmend::world
