// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/block/device.hpp"
#include "pmend/repair/place.hpp"
#include "worker/setting.hpp"
#include "worker/suspects.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

// Which list of bad sectors belongs to which device. The worker reads pmend.json itself: what it believes about a
// medium does not come from the unprivileged side.
namespace pmend::worker {

inline constexpr const char* kKernelList = "badblocks";
inline constexpr const char* kListFile = "list";
inline constexpr const char* kRegionList = "region";  // of the NVDIMM region that a device's memory lies in
inline constexpr const char* kOwnList = "read";       // pmend's own: what it found by reading

struct ListPlace {
  std::string path;
  std::string source;  // one of those above
  std::chrono::seconds interval{60};
  std::optional<SuspectList> own;  // set for kOwnList
};

// The configured list of the node, else the kernel's, else for a configured device pmend's own; nothing for a device
// that is not configured and that the kernel has no list for.
std::optional<ListPlace> list_of(const Setting& setting, const block::BlockDevice& device,
                                 const std::string& device_id);

// The list as it is now, without a look at the medium. The kernel's and pmend's own are cut at the end of the device,
// which may be smaller than what they list.
// Errors: the errno; kInvalid for garbage, with the line, and for sectors in a file that the device does not have;
// those of SuspectList::read().
Result<repair::BadList> read_bad_list(const ListPlace& place, std::uint64_t device_bytes);

// Adds the sectors to the kernel's list by writing to its attribute (block/badblocks.c; nobody is notified).
// Errors: the errno.
Status add_bad_range(const std::string& path, const ByteRange& device_range);

// The nodes of all devices for which sysfs has a list.
std::vector<std::string> listed_nodes(const std::string& sysfs);

}  // namespace pmend::worker
