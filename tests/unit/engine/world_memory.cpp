// SPDX-License-Identifier: Apache-2.0
#include "world_memory.hpp"

#include "pmend/ledger/ledger.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

namespace pmend::engine {

WorldMemory::WorldMemory() : dir_(testing::TempDir() + "pmend-world-XXXXXX") {
  EXPECT_NE(mkdtemp(dir_.data()), nullptr);
}

WorldMemory::~WorldMemory() {
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

LedgerState WorldMemory::remember(const World& world, const LoadOptions& options) {
  auto ledger = Ledger::open({dir_, "boot"});
  EXPECT_TRUE(ledger.has_value());
  const auto& all = world.records();
  const Status applied =
      ledger->apply(std::vector<LedgerRecord>(all.begin() + static_cast<std::ptrdiff_t>(applied_), all.end()));
  EXPECT_TRUE(applied.has_value()) << applied.error().message();
  applied_ = all.size();
  auto state = ledger->load(options);
  EXPECT_TRUE(state.has_value()) << state.error().message();
  return std::move(*state);
}

void WorldMemory::restart(World& world, const std::string& policy, const LoadOptions& options) {
  const LedgerState state = remember(world, options);
  world.forget_engine();
  world.start(state, policy);
  world.settle();
}

}  // namespace pmend::engine
