// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/range_list.hpp"

namespace pmend {

bool are_apart_in_order(const std::vector<ByteRange>& ranges) {
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].offset < ranges[i - 1].end()) {
      return false;
    }
  }
  return true;
}

std::uint64_t total_bytes(const std::vector<ByteRange>& ranges) {
  std::uint64_t total = 0;
  for (const ByteRange& range : ranges) {
    total += range.length;
  }
  return total;
}

}  // namespace pmend
