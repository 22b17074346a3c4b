// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/device.hpp"

#include <algorithm>
#include <bit>

namespace pmend::engine {

namespace {

bool begins_before(const PastRepair& repair, std::uint64_t offset) {
  return repair.device_range.offset < offset;
}

void take_most(std::optional<PastRepair>& found, const PastRepair& repair) {
  if (!found) {
    found = repair;
    return;
  }
  if (repair.repairs > found->repairs) {
    found->repairs = repair.repairs;
    found->device_range = repair.device_range;
  }
  found->seen = std::max(found->seen, repair.seen);
  found->proven = std::max(found->proven, repair.proven);
}

}  // namespace

void PastRepairs::add(const PastRepair& repair) {
  const std::uint64_t offset = repair.device_range.offset;
  by_offset_.insert(std::lower_bound(by_offset_.begin(), by_offset_.end(), offset, begins_before), repair);
  longest_ = std::max(longest_, repair.device_range.length);
}

std::optional<PastRepair> PastRepairs::find(const std::vector<ByteRange>& ranges) const {
  std::optional<PastRepair> found;
  for (const ByteRange& range : ranges) {
    const std::uint64_t from = range.offset > longest_ ? range.offset - longest_ : 0;
    for (auto it = std::lower_bound(by_offset_.begin(), by_offset_.end(), from, begins_before);
         it != by_offset_.end() && begins_before(*it, range.end()); ++it) {
      if (it->device_range.overlaps(range)) {
        take_most(found, *it);
      }
    }
  }
  return found;
}

std::string Device::medium() const {
  return info.pmem ? info.pmem->bus + " " + info.pmem->region : device_id;
}

// Only the buses of the ACPI table NFIT, and the kernel's nfit_test, have them.
bool Device::has_ars() const {
  return info.pmem && (info.pmem->bus.starts_with("ACPI.NFIT") || info.pmem->bus.starts_with("nfit_test"));
}

std::optional<MediumPlace> Device::place_of(const ByteRange& range) const {
  if (!info.pmem) {
    return std::nullopt;
  }
  MediumPlace place{info.pmem->region, std::nullopt, {}};
  if (info.pmem->physical_start) {
    place.physical = *info.pmem->physical_start + range.offset;
  }
  for (const protocol::PmemDimm& dimm : info.pmem->dimms) {
    place.dimms.push_back(dimm.id.empty() ? dimm.name : dimm.name + " (" + dimm.id + ")");
  }
  return place;
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
