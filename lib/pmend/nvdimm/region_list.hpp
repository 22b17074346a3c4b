// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/nvdimm/topology.hpp"

#include <string>
#include <vector>

namespace pmend::nvdimm {

// What a region's list of bad sectors means for one block device.
struct DeviceList {
  std::string block;  // kernel name
  std::vector<ByteRange> device_ranges;
  bool complete = false;
};

struct RegionList {
  std::vector<DeviceList> devices;     // one for each namespace whose bytes lie in a row on a block device
  std::vector<std::string> elsewhere;  // for people: bad places that are no byte of any such device, each named
};

// `bad` counts from the region's start. A list that was cut is in order, so it is whole as far as its last entry goes:
// that is what a namespace before it can rely on.
RegionList translate(const Region& region, const RangeSet& bad, bool complete);

}  // namespace pmend::nvdimm
