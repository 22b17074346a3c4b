// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace pmend::world {

// The value below which this part (0 to 1) of the figures lies; there is at least one.
inline double percentile(std::vector<double> figures, double part) {
  std::sort(figures.begin(), figures.end());
  return figures[static_cast<std::size_t>(part * static_cast<double>(figures.size() - 1))];
}

}  // namespace pmend::world
