// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/range_set.hpp"

#include <algorithm>
#include <iterator>

namespace pmend {

RangeSet::RangeSet(const std::vector<ByteRange>& ranges) {
  for (const ByteRange& range : ranges) {
    insert(range);
  }
}

void RangeSet::insert(const ByteRange& range) {
  if (range.empty()) {
    return;
  }
  std::uint64_t begin = range.offset;
  std::uint64_t end = range.end();
  auto it = ends_.upper_bound(begin);
  if (it != ends_.begin() && std::prev(it)->second >= begin) {
    --it;
  }
  while (it != ends_.end() && it->first <= end) {
    begin = std::min(begin, it->first);
    end = std::max(end, it->second);
    it = ends_.erase(it);
  }
  ends_.emplace(begin, end);
}

bool RangeSet::erase(const ByteRange& range) {
  const std::vector<ByteRange> hits = common(range);
  for (const ByteRange& hit : hits) {
    const auto it = std::prev(ends_.upper_bound(hit.offset));
    const auto [begin, end] = *it;
    ends_.erase(it);
    if (begin < hit.offset) {
      ends_.emplace(begin, hit.offset);
    }
    if (hit.end() < end) {
      ends_.emplace(hit.end(), end);
    }
  }
  return !hits.empty();
}

bool RangeSet::covers(const ByteRange& range) const {
  if (range.empty()) {
    return true;
  }
  const auto overlap = first_overlap(range);
  return overlap && *overlap == range;
}

std::optional<ByteRange> RangeSet::first_overlap(const ByteRange& range) const {
  auto it = ends_.upper_bound(range.offset);
  if (it != ends_.begin() && std::prev(it)->second > range.offset) {
    --it;
  }
  if (it == ends_.end()) {
    return std::nullopt;
  }
  return intersect(range, {it->first, it->second - it->first});
}

std::vector<ByteRange> RangeSet::common(const ByteRange& range) const {
  std::vector<ByteRange> found;
  ByteRange rest = range;
  while (const auto hit = first_overlap(rest)) {
    found.push_back(*hit);
    rest = {hit->end(), range.end() - hit->end()};
  }
  return found;
}

std::vector<ByteRange> RangeSet::missing(const ByteRange& range) const {
  std::vector<ByteRange> gaps;
  std::uint64_t position = range.offset;
  for (const ByteRange& hit : common(range)) {
    if (hit.offset > position) {
      gaps.push_back({position, hit.offset - position});
    }
    position = hit.end();
  }
  if (position < range.end()) {
    gaps.push_back({position, range.end() - position});
  }
  return gaps;
}

std::vector<ByteRange> RangeSet::ranges() const {
  std::vector<ByteRange> all;
  all.reserve(ends_.size());
  for (const auto& [begin, end] : ends_) {
    all.push_back({begin, end - begin});
  }
  return all;
}

std::uint64_t RangeSet::total_bytes() const {
  std::uint64_t total = 0;
  for (const auto& [begin, end] : ends_) {
    total += end - begin;
  }
  return total;
}

}  // namespace pmend
