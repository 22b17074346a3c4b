// SPDX-License-Identifier: Apache-2.0
#include "medium/poison_map.hpp"

#include <algorithm>
#include <utility>

namespace pmend::medium {
namespace {

void erase_returns(PoisonMap::Returns& returns, const ByteRange& range) {
  for (auto it = returns.begin(); it != returns.end();) {
    it->second.erase(range);
    it = it->second.empty() ? returns.erase(it) : std::next(it);
  }
}

using Line = std::pair<SectorRange, std::string>;

void add_lines(std::vector<Line>& lines, const RangeSet& set, const std::string& what) {
  for (const ByteRange& range : set.ranges()) {
    lines.emplace_back(touched_sectors(range), what);
  }
}

}  // namespace

void PoisonMap::poison(const ByteRange& range) {
  poisoned_.insert(range);
  phantoms_.erase(range);
}

void PoisonMap::add_phantom(const ByteRange& range) {
  for (const ByteRange& good : poisoned_.missing(range)) {
    phantoms_.insert(good);
  }
}

void PoisonMap::remove(const ByteRange& range) {
  poisoned_.erase(range);
  phantoms_.erase(range);
  erase_returns(returns_, range);
}

void PoisonMap::cure(const ByteRange& range, std::optional<SteadyTime> returns_at) {
  const std::vector<ByteRange> cured = poisoned_.common(range);
  poisoned_.erase(range);
  phantoms_.erase(range);
  if (returns_at) {
    for (const ByteRange& part : cured) {
      schedule(part, *returns_at);
    }
  }
}

void PoisonMap::schedule(const ByteRange& range, SteadyTime returns_at) {
  erase_returns(returns_, range);
  returns_[returns_at].insert(range);
}

std::vector<ByteRange> PoisonMap::take_due(SteadyTime now) {
  std::vector<ByteRange> due;
  while (!returns_.empty() && returns_.begin()->first <= now) {
    for (const ByteRange& range : returns_.begin()->second.ranges()) {
      poison(range);
      due.push_back(range);
    }
    returns_.erase(returns_.begin());
  }
  return due;
}

std::optional<SteadyTime> PoisonMap::next_return() const {
  return returns_.empty() ? std::nullopt : std::optional(returns_.begin()->first);
}

std::vector<SectorRange> PoisonMap::listed(std::uint64_t unit_sectors, std::uint64_t disk_bytes) const {
  RangeSet all;
  for (const RangeSet* set : {&poisoned_, &phantoms_}) {
    for (const ByteRange& range : set->ranges()) {
      const auto on_disk = intersect(round_out(range, unit_sectors * kSectorBytes), {0, disk_bytes});
      all.insert(on_disk.value_or(ByteRange{}));
    }
  }
  std::vector<SectorRange> entries;
  for (const ByteRange& range : all.ranges()) {
    entries.push_back(touched_sectors(range));
  }
  return entries;
}

std::string PoisonMap::describe(SteadyTime now) const {
  std::vector<Line> lines;
  add_lines(lines, poisoned_, "poison");
  add_lines(lines, phantoms_, "phantom");
  for (const auto& [time, set] : returns_) {
    const auto rest = std::chrono::ceil<std::chrono::seconds>(std::max(time - now, SteadyTime::duration::zero()));
    add_lines(lines, set, "returns-in-" + std::to_string(rest.count()));
  }
  std::ranges::sort(lines);
  std::string text;
  for (const auto& [sectors, what] : lines) {
    text += std::to_string(sectors.first) + " " + std::to_string(sectors.count) + " " + what + "\n";
  }
  return text;
}

}  // namespace pmend::medium
