// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernel/repair/bench.hpp"
#include "kernel/repair/matrix_table.hpp"
#include "support/kept_pages.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pmend::world {

// One file system on one medium, with a victim for each of its cells. Fails the test, gtest's way, where something else
// comes of one than the table says.
class MatrixWorld {
 public:
  // All cells with the same file system and medium. Throws Failure.
  explicit MatrixWorld(const std::vector<Cell>& cells);
  // Makes the cell's sector bad, plans and repairs.
  void run(const Cell& cell);
  // After all: every byte of every file, as the medium has it, and every write that the medium saw.
  void expect_all_as_told();

 private:
  // Who has the bad sector, and who holds what meanwhile.
  struct Victim {
    FileModel* file = nullptr;
    FileModel* twin = nullptr;
    ByteRange in_file;  // the bad sector
    ByteRange bad;      // the same of the device
    std::vector<std::unique_ptr<KeptPages>> kept;
    UniqueFd user;
    Child program;
    std::size_t trace_begin = 0;

    ByteRange page() const { return round_out(bad, 4096); }
  };

  void add_victim(const Cell& cell);
  Victim make_bad(const Cell& cell);
  Victim locate(const Cell& cell);
  ByteRange free_sector();
  ByteRange metadata_sector();
  void let_go(const Cell& cell, Victim& victim);

  protocol::PlanReply plan(const Victim& victim);
  void expect_refused(const Cell& cell, const Victim& victim, const protocol::PlanReply& reply);
  void take_refused(const Cell& cell, Victim& victim);
  void expect_repaired(const Cell& cell, Victim& victim, const Plan& planned);
  void expect_healed(const Cell& cell, Victim& victim, const protocol::RepairReply& reply);
  void expect_content(const Cell& cell, Victim& victim);
  void expect_cached(const Cell& cell, Victim& victim);
  // The medium took no write there since the sector went bad; with `failed_too`, it was not even asked for one.
  void expect_no_write(const Victim& victim, bool failed_too);
  World& world() { return bench_.world(); }

  RepairBench bench_;
  std::vector<ByteRange> units_;
  std::vector<FileModel*> moved_;  // whose mapping their users changed
  RangeSet poisoned_;              // what must be bad at the end
};

}  // namespace pmend::world
