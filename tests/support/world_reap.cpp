// SPDX-License-Identifier: Apache-2.0
// pmend-world-reap: takes away what killed tests left behind (mounts, loop devices, media). Safe to run at any time:
// worlds whose test still lives are left alone.
#include "support/residue.hpp"

#include <cstdio>
#include <exception>

int main() {
  try {
    const auto withstood = pmend::world::reap_all();
    for (const std::string& line : withstood) {
      std::fprintf(stderr, "pmend-world-reap: could not remove %s\n", line.c_str());
    }
    return withstood.empty() ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pmend-world-reap: %s\n", error.what());
    return 1;
  }
}
