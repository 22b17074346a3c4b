// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/salvage.hpp"

#include <algorithm>

namespace pmend::repair {
namespace {

const PageView* cached_page_at(const std::vector<PageView>& pages, std::uint64_t file_offset) {
  const auto page = std::find_if(pages.begin(), pages.end(), [file_offset](const PageView& view) {
    return view.state != CacheState::kAbsent && view.file_range.contains(file_offset);
  });
  return page == pages.end() ? nullptr : &*page;
}

bool is_viewed(const std::vector<PageView>& pages, std::uint64_t page_offset) {
  return std::any_of(pages.begin(), pages.end(),
                     [page_offset](const PageView& view) { return view.file_range.contains(page_offset); });
}

// Sectors of a unit lie in one page each: blocks of file systems are whole sectors.
void take_cached_sector(const PageView& page, std::uint64_t file_offset, std::byte* sector) {
  const auto from = page.bytes.begin() + static_cast<std::ptrdiff_t>(file_offset - page.file_range.offset);
  std::copy_n(from, kSectorBytes, sector);
}

}  // namespace

bool Salvaged::is_wholly_cached() const {
  return std::all_of(pages.begin(), pages.end(), [](const PageView& page) { return page.state == CacheState::kWhole; });
}

Salvaged combine(const PlannedUnit& planned, const SectorsRead& device, std::vector<PageView> pages) {
  Salvaged result{std::string(device.readable.size(), kSectorLost), device.bytes, {}};
  for (std::size_t i = 0; i < device.readable.size(); ++i) {
    if (device.readable[i]) {
      result.sectors[i] = kSectorGood;
    }
  }
  for (const Mapping& mapping : planned.mappings) {
    const std::uint64_t in_unit = mapping.device_range.offset - planned.unit.device_range.offset;
    for (std::uint64_t at = 0; at < mapping.device_range.length; at += kSectorBytes) {
      const PageView* page = cached_page_at(pages, mapping.file_offset + at);
      if (page == nullptr) {
        continue;
      }
      const std::size_t sector = (in_unit + at) / kSectorBytes;
      take_cached_sector(*page, mapping.file_offset + at, result.bytes.data() + in_unit + at);
      if (result.sectors[sector] == kSectorLost) {
        result.sectors[sector] = kSectorCached;
      }
    }
  }
  result.pages = std::move(pages);
  return result;
}

Result<Salvaged> salvage(const Place& place, int fd, const PlannedUnit& planned) {
  std::vector<PageView> pages;
  for (const Mapping& mapping : planned.mappings) {
    const ByteRange whole = round_out({mapping.file_offset, mapping.device_range.length}, kPageBytes);
    for (std::uint64_t offset = whole.offset; offset < whole.end(); offset += kPageBytes) {
      if (is_viewed(pages, offset)) {
        continue;
      }
      auto view = view_page(fd, offset, place.read_limit);
      if (!view) {
        return tl::make_unexpected(view.error());
      }
      pages.push_back(std::move(*view));
    }
  }
  const auto device = read_sectors(place, planned.unit.device_range);
  if (!device) {
    return tl::make_unexpected(device.error());
  }
  return combine(planned, *device, std::move(pages));
}

std::optional<std::string> sectors_difference(const std::string& planned, const std::string& now) {
  if (planned == now) {
    return std::nullopt;
  }
  const auto lost = [](const std::string& letters) { return std::count(letters.begin(), letters.end(), kSectorLost); };
  const std::string states = " (planned " + planned + ", found " + now + ")";
  if (lost(now) > lost(planned)) {
    return "more would be lost than the plan says" + states;
  }
  return "other sectors can be read than the plan says" + states;
}

}  // namespace pmend::repair
