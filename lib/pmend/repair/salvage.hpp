// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/plan.hpp"
#include "pmend/repair/page_view.hpp"
#include "pmend/repair/sectors.hpp"
#include "pmend/repair/target.hpp"

#include <cstddef>
#include <string>
#include <vector>

// Getting back what can still be had of a unit, in this order: the page cache, direct reads of the device, zeros.
namespace pmend::repair {

struct Salvaged {
  std::string sectors;           // letters as in Unit::sectors
  std::vector<std::byte> bytes;  // the unit as it should be
  std::vector<PageView> pages;   // the pages of the file it lies in, in order of the unit's mappings

  bool is_wholly_cached() const;
};

// Reads a unit whose mappings hold. Errors: as view_page() and read_sectors().
Result<Salvaged> salvage(const Place& place, int fd, const PlannedUnit& planned);

// The same from what was read already: pure. `pages` cover the unit's mappings.
Salvaged combine(const PlannedUnit& planned, const SectorsRead& device, std::vector<PageView> pages);

// Nothing if a unit can be had as the plan has it; else what differs, for people. A unit that has become readable
// altogether differs too.
std::optional<std::string> sectors_difference(const std::string& planned, const std::string& now);

}  // namespace pmend::repair
