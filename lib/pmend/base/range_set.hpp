// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace pmend {

// A set of byte positions kept as disjoint ranges that never touch, in order. All operations are exact.
class RangeSet {
 public:
  RangeSet() = default;
  explicit RangeSet(const std::vector<ByteRange>& ranges);

  void insert(const ByteRange& range);
  // Returns true if anything of `range` was in the set.
  bool erase(const ByteRange& range);
  void clear() { ends_.clear(); }

  bool empty() const { return ends_.empty(); }
  bool overlaps(const ByteRange& range) const { return first_overlap(range).has_value(); }
  // True if every position of `range` is in the set; an empty range always is.
  bool covers(const ByteRange& range) const;
  // The first run of positions of `range` that is in the set.
  std::optional<ByteRange> first_overlap(const ByteRange& range) const;
  // What of `range` is in the set, and what is not, in order.
  std::vector<ByteRange> common(const ByteRange& range) const;
  std::vector<ByteRange> missing(const ByteRange& range) const;

  std::vector<ByteRange> ranges() const;
  std::uint64_t total_bytes() const;

  friend bool operator==(const RangeSet&, const RangeSet&) = default;

 private:
  // begin -> end
  std::map<std::uint64_t, std::uint64_t> ends_;
};

}  // namespace pmend
