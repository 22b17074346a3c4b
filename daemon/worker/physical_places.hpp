// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/model/observe_verbs.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

// Which block device has the byte at a physical address. (Linux Documentation/ABI/testing/sysfs-bus-nvdimm.)
namespace pmend::worker {

// The byte at that address, and as much of what follows as lies on the same device. Nothing where no block device has
// it: memory, an info block, a namespace that is no block device or whose blocks do not lie in a row (sector mode).
using PlacePhysical = std::function<std::optional<protocol::DeviceRange>(std::uint64_t physical)>;

// By what sysfs says of all namespaces and what is built upon them; read once, at the call.
PlacePhysical place_physical_by_sysfs(const std::string& sysfs);

// All of a physical range, page by page of 4096 bytes as given by `place`; pieces that have no place are left out.
std::vector<protocol::DeviceRange> places_of(const PlacePhysical& place, const ByteRange& physical);

}  // namespace pmend::worker
