// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/model/media_error.hpp"
#include "worker/physical_places.hpp"
#include "worker/setting.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

// Memory of which the kernel said that it lost bytes, but which the list of its block device does not have: on buses
// that list only what a scrub found, or none.
namespace pmend::worker {

inline constexpr const char* kMemoryFailure = "memory-failure";
inline constexpr const char* kCxl = "cxl";

struct UnlistedMemory {
  // One for each source and device that has a page of it, also where nothing is unlisted. Not complete where the
  // device's own list is not, and then without ranges; without an id where the device or its list could not be read.
  std::vector<MediaErrorList> lists;
  std::uint64_t outside = 0;  // pages that no block device has

  friend bool operator==(const UnlistedMemory&, const UnlistedMemory&) = default;
};

Json to_json(const UnlistedMemory& unlisted);
void read_json(const JsonReader& in, UnlistedMemory& unlisted);

struct SuspectMemory {
  std::map<std::string, RangeSet> physical;  // by who told of them
  std::map<std::string, RangeSet> by_node;   // of all watched devices: where XFS met errors of the medium
};

// Looks at the lists of the watched devices and reads what they do not have directly: what can be read is not bad (any
// more). The kernel copies from such memory so that a machine check ends the read and nothing else. Blocks, so for a
// child only.
UnlistedMemory find_unlisted(const Setting& setting, const PlacePhysical& place, const SuspectMemory& suspects);

}  // namespace pmend::worker
