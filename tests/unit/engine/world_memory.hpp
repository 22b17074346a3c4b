// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "world.hpp"

#include <cstddef>
#include <string>

namespace pmend::engine {

// A real ledger beside a World, for what has to outlive an engine.
class WorldMemory {
 public:
  WorldMemory();
  WorldMemory(const WorldMemory&) = delete;
  WorldMemory& operator=(const WorldMemory&) = delete;
  ~WorldMemory();

  // What a ledger that took all records of `world` gives back.
  LedgerState remember(const World& world, const LoadOptions& options = {1000, WallTime{}});
  // pmend is killed and started again with what it remembers.
  void restart(World& world, const std::string& policy, const LoadOptions& options = {1000, WallTime{}});

 private:
  std::string dir_;
  std::size_t applied_ = 0;
};

}  // namespace pmend::engine
