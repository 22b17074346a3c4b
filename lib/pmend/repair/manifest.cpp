// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/manifest.hpp"

#include "pmend/base/range_set.hpp"

#include <optional>
#include <utility>

namespace pmend::repair {
namespace {

// Where the bytes of a sector with this letter came from; nothing where they are lost, or were never at risk: a cached
// page writes its own bytes over good sectors too.
std::optional<SavedFrom> saved_from(char letter, Method method) {
  if (letter == kSectorCached) {
    return SavedFrom::kPageCache;
  }
  if (letter == kSectorRestored) {
    return SavedFrom::kHook;
  }
  if (letter == kSectorGood && method != Method::kRedirty) {
    return SavedFrom::kSectors;
  }
  return std::nullopt;
}

// The range in each file that has it, or on the device where none has.
std::vector<ManifestRange> ranges_of(const PlannedUnit& planned, const ByteRange& device_range) {
  std::vector<ManifestRange> ranges;
  for (const Mapping& mapping : planned.mappings) {
    if (mapping.device_range.contains(device_range)) {
      const std::uint64_t in_mapping = device_range.offset - mapping.device_range.offset;
      ranges.push_back({{}, mapping.file.inode, mapping.file_offset + in_mapping, device_range});
    }
  }
  if (ranges.empty()) {
    ranges.push_back({{}, {}, {}, device_range});
  }
  return ranges;
}

void add_run(LossManifest& manifest, const DoneUnit& done, const ByteRange& device_range, char letter) {
  const auto from = saved_from(letter, done.method);
  for (ManifestRange& range : ranges_of(done.planned, device_range)) {
    if (letter == kSectorLost) {
      manifest.lost.push_back(std::move(range));
    } else if (from) {
      (*from == SavedFrom::kHook ? manifest.restored : manifest.salvaged).push_back({std::move(range), *from});
    }
  }
}

}  // namespace

LossManifest manifest_of(const std::vector<DoneUnit>& units) {
  LossManifest manifest;
  for (const DoneUnit& done : units) {
    const Unit& unit = done.planned.unit;
    for (std::size_t i = 0; i < unit.sectors.size();) {
      std::size_t end = i + 1;
      while (end < unit.sectors.size() && unit.sectors[end] == unit.sectors[i]) {
        ++end;
      }
      add_run(manifest, done, {unit.device_range.offset + i * kSectorBytes, (end - i) * kSectorBytes}, unit.sectors[i]);
      i = end;
    }
    manifest.units.push_back(unit);
    manifest.units.back().method = done.method;
  }
  return manifest;
}

void keep_lost_data(LossManifest& manifest, const std::vector<ByteRange>& lost_data) {
  const RangeSet data(lost_data);
  std::vector<ManifestRange> kept;
  for (const ManifestRange& lost : manifest.lost) {
    for (const ByteRange& part : data.common(lost.device_range)) {
      ManifestRange& range = kept.emplace_back(lost);
      range.device_range = part;
      if (range.file_offset) {
        *range.file_offset += part.offset - lost.device_range.offset;
      }
    }
  }
  manifest.lost = std::move(kept);
}

}  // namespace pmend::repair
