// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/block/device.hpp"
#include "pmend/model/pmem_info.hpp"
#include "pmend/repair/place.hpp"
#include "worker/setting.hpp"

#include <functional>
#include <optional>
#include <string>

// What persistent memory a block device is, put together from the block stack and the topology. libndctl is asked each
// time; it reads sysfs only, but may wait for the kernel, so not in a loop.
namespace pmend::worker {

// Nothing where the device is not of an nvdimm bus. Where it is and the topology has it not (any more), what is told is
// that nobody knows whether it can be cleared.
std::optional<protocol::PmemInfo> pmem_info(const Setting& setting, const block::BlockDevice& device);

// Why nothing may be written to a bad place of the device, for people, with what can be done instead: a write there
// would fail, and might take the file system with it. Nothing where writes are known to clear it, and for what is not
// persistent memory.
std::optional<std::string> why_not_cleared(const Setting& setting, const block::BlockDevice& device);

// Reads the list of the region that a device's memory lies in, as ranges of the device: a repair is over only when it
// is gone from there too.
using RegionList = std::function<Result<repair::BadList>()>;

// The region that a device's memory lies in: the physical addresses of the device's data and of what the kernel keeps
// about it, empty where the kernel does not tell; and its list, not set where there is none, or the device is no whole
// namespace.
struct RegionPlace {
  ByteRange physical;
  RegionList list;
};
// Nothing for what is not persistent memory, or where nobody tells.
std::optional<RegionPlace> region_of(const Setting& setting, const block::BlockDevice& device);

}  // namespace pmend::worker
