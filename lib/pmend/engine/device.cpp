// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/device.hpp"

#include <algorithm>
#include <bit>

namespace pmend::engine {

void PastRepairs::add(const Entry& entry) {
  by_offset_.emplace(entry.range.offset, entry);
  longest_ = std::max(longest_, entry.range.length);
}

std::optional<PastRepairs::Entry> PastRepairs::find(const ByteRange& range) const {
  std::optional<Entry> best;
  const std::uint64_t from = range.offset > longest_ ? range.offset - longest_ : 0;
  for (auto it = by_offset_.lower_bound(from); it != by_offset_.end() && it->first < range.end(); ++it) {
    if (it->second.range.overlaps(range) && (!best || it->second.repairs > best->repairs)) {
      best = it->second;
    }
  }
  return best;
}

std::uint64_t Device::unit() const {
  constexpr std::uint64_t kSmallest = kSectorBytes;
  constexpr std::uint64_t kLargest = 1U << 20U;
  const std::uint64_t told = info.repair_unit;
  // Too large a unit is harmless (more is looked at together), too small a one is not.
  return std::has_single_bit(told) && told >= kSmallest && told <= kLargest ? told : 4096;
}

RangeSet Device::listed() const {
  RangeSet all;
  for (const auto& [source, list] : lists) {
    for (const ByteRange& range : list.ranges.ranges()) {
      all.insert(range);
    }
  }
  for (const RangeSet* repaired : {&settling, &settling_asked}) {
    for (const ByteRange& range : repaired->ranges()) {
      all.erase(range);
    }
  }
  return all;
}

bool Device::lists_complete() const {
  return !lists.empty() &&
         std::all_of(lists.begin(), lists.end(), [](const auto& list) { return list.second.complete; });
}

std::vector<std::string> Device::sources_of(const std::vector<ByteRange>& ranges) const {
  std::vector<std::string> sources;
  for (const auto& [source, list] : lists) {
    const RangeSet& listed = list.ranges;
    if (std::any_of(ranges.begin(), ranges.end(), [&](const ByteRange& range) { return listed.overlaps(range); })) {
      sources.push_back(source);
    }
  }
  return sources;
}

}  // namespace pmend::engine
