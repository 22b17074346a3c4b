// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/block/device.hpp"
#include "pmend/model/config.hpp"
#include "pmend/repair/place.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

// Which list of bad sectors belongs to which device. The worker reads pmend.json itself: what it believes about a
// medium does not come from the unprivileged side.
namespace pmend::worker {

inline constexpr const char* kKernelList = "badblocks";
inline constexpr const char* kListFile = "list";

struct ListPlace {
  std::string path;
  std::string source;  // kKernelList or kListFile
  std::chrono::seconds interval{60};
};

// The configured list of the node, else the kernel's; nothing if the device has neither.
std::optional<ListPlace> list_of(const Config& config, const block::BlockDevice& device);

// The list as it is now. The kernel's is cut at the end of the device, which may be smaller than what it lists.
// Errors: the errno; kInvalid for garbage, with the line, and for sectors in a file that the device does not have.
Result<repair::BadList> read_bad_list(const ListPlace& place, std::uint64_t device_bytes);

// The nodes of all devices for which sysfs has a list.
std::vector<std::string> listed_nodes(const std::string& sysfs);

}  // namespace pmend::worker
