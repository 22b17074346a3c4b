// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernel/kernel_test.hpp"
#include "kernel/repair/bench.hpp"

#include <string>
#include <vector>

namespace pmend::world {

// Base of the tests of `exchange`: skips where no file system can have it.
class ExchangeTest : public KernelTest {
 protected:
  void SetUp() override;
};

// What a rule that wants it allows.
std::vector<Method> exchange_methods();

// A world on XFS that has it.
WorldOptions exchange_world(bool standard_files = true);

// After a repair by exchange: what must be true of the mapping of its files is, and the models take it over. Returns
// the device ranges that may have been written: old blocks and new ones.
std::vector<ByteRange> take_exchange(RepairBench& bench, const Plan& plan);

// The names in the quarantine, empty if there is none.
std::vector<std::string> quarantined(RepairBench& bench);

// What the oracle finds wrong, without the files in quarantine, which nobody told it of.
std::vector<Difference> wrong_beside_quarantine(RepairBench& bench);

}  // namespace pmend::world
