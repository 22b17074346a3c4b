// SPDX-License-Identifier: Apache-2.0
#include "worker/lists.hpp"

#include "pmend/base/unique_fd.hpp"
#include "pmend/block/sysfs.hpp"
#include "pmend/kernel/badblocks.hpp"

#include <filesystem>
#include <system_error>

namespace pmend::worker {

std::optional<ListPlace> list_of(const Config& config, const block::BlockDevice& device) {
  for (const protocol::ListedDevice& listed : config.devices) {
    std::error_code error;
    const auto node = std::filesystem::canonical(listed.device, error);
    if (listed.device == device.node || (!error && node == device.node)) {
      return ListPlace{listed.badblocks.bytes, kListFile, std::chrono::seconds(listed.interval_s)};
    }
  }
  if (device.badblocks) {
    return ListPlace{*device.badblocks, kKernelList, std::chrono::seconds(60)};
  }
  return std::nullopt;
}

Result<repair::BadList> read_bad_list(const ListPlace& place, std::uint64_t device_bytes) {
  const auto text = read_text_file(place.path);
  if (!text) {
    return tl::make_unexpected(text.error());
  }
  const auto parsed = kernel::parse_badblocks(*text);
  if (!parsed) {
    return wrap(parsed.error(), place.path);
  }
  repair::BadList list;
  list.complete = parsed->complete;
  for (const SectorRange& entry : parsed->entries) {
    // Somebody wrote it for another device, or in another unit: then no number in it means what it says.
    if (place.source == kListFile && !ByteRange{0, device_bytes}.contains(to_bytes(entry).value())) {
      return fail(Errc::kInvalid, place.path + ": sectors " + std::to_string(entry.first) + " to " +
                                      std::to_string(entry.end() - 1) + " are not on the device, which has " +
                                      std::to_string(device_bytes / kSectorBytes));
    }
    if (const auto range = intersect(to_bytes(entry).value(), {0, device_bytes})) {
      list.bad.insert(*range);
    }
  }
  return list;
}

std::vector<std::string> listed_nodes(const std::string& sysfs) {
  std::vector<std::string> nodes;
  for (const std::string& name : block::list_directory(sysfs + "/block")) {
    if (block::read_attribute(sysfs + "/block/" + name, "badblocks")) {
      nodes.push_back("/dev/" + name);
    }
  }
  return nodes;
}

}  // namespace pmend::worker
