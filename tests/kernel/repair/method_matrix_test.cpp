// SPDX-License-Identifier: Apache-2.0
// One bad sector on every file system and medium, for every kind of owner and every state of its page: healed by the
// right method with nothing lost but what the medium lost, or refused for the right reason and nothing written.
// By default a part of the cells, in which each two values of different columns meet; all with PMEND_LONG=1.
#include "kernel/kernel_test.hpp"
#include "kernel/repair/matrix_world.hpp"
#include "support/seed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

namespace pmend::world {
namespace {

using Columns = std::array<std::size_t, 5>;

Columns columns_of(const Cell& cell) {
  return {cell.fs, cell.write, cell.zero, static_cast<std::size_t>(cell.owned), static_cast<std::size_t>(cell.page)};
}

// Column, value, column, value.
std::set<std::array<std::size_t, 4>> pairs_in(const std::vector<Cell>& cells) {
  std::set<std::array<std::size_t, 4>> pairs;
  for (const Cell& cell : cells) {
    const Columns values = columns_of(cell);
    for (std::size_t a = 0; a < values.size(); ++a) {
      for (std::size_t b = a + 1; b < values.size(); ++b) {
        pairs.insert({a, values.at(a), b, values.at(b)});
      }
    }
  }
  return pairs;
}

TEST(MethodMatrixTable, EachPairOfColumnsIsInThePartThatRunsByDefault) {
  // On each medium seven owners with pages, free space and metadata; two file systems can share extents, and two cannot
  // have dirty pages of immutable files.
  EXPECT_EQ(all_cells().size(), 6U * (6U * (7U * 3U + 2U) + 2U * 3U - 2U));
  EXPECT_EQ(pairs_in(covering_cells()), pairs_in(all_cells()));
}

// A file system and a word for zeroing; the words for writing come one after the other.
class MethodMatrix : public KernelTest, public ::testing::WithParamInterface<std::tuple<std::size_t, std::size_t>> {
 protected:
  static std::vector<Cell> cells_with(std::size_t write) {
    std::vector<Cell> cells = long_run() ? all_cells() : covering_cells();
    const auto [fs, zero] = GetParam();
    std::erase_if(cells, [&](const Cell& cell) { return cell.fs != fs || cell.zero != zero || cell.write != write; });
    return cells;
  }
};

TEST_P(MethodMatrix, TheRightMethodOrTheRightRefusalInEveryCell) {
  for (std::size_t write = 0; write < kWriteWords.size(); ++write) {
    const std::vector<Cell> cells = cells_with(write);
    if (cells.empty()) {
      continue;
    }
    SCOPED_TRACE("write=" + kWriteWords.at(write));
    MatrixWorld world(cells);
    for (const Cell& cell : cells) {
      SCOPED_TRACE(name_of(cell));
      world.run(cell);
    }
    world.expect_all_as_told();
  }
}

INSTANTIATE_TEST_SUITE_P(Kernel, MethodMatrix,
                         ::testing::Combine(::testing::Range<std::size_t>(0, 6), ::testing::Range<std::size_t>(0, 3)),
                         [](const auto& param_info) {
                           std::string name = to_string(file_systems().at(std::get<0>(param_info.param)));
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name + "_zero_" + kZeroWords.at(std::get<1>(param_info.param));
                         });

}  // namespace
}  // namespace pmend::world
