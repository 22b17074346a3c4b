// SPDX-License-Identifier: Apache-2.0
#include "worker/lists.hpp"

#include "pmend/base/unique_fd.hpp"
#include "pmend/block/sysfs.hpp"
#include "pmend/kernel/badblocks.hpp"

#include <fcntl.h>

#include <filesystem>
#include <span>
#include <system_error>

namespace pmend::worker {

namespace {

constexpr std::chrono::seconds kUsualInterval{60};

const protocol::ListedDevice* configured(const Config& config, const std::string& node) {
  for (const protocol::ListedDevice& listed : config.devices) {
    std::error_code error;
    const auto target = std::filesystem::canonical(listed.device, error);
    if (listed.device == node || (!error && target == node)) {
      return &listed;
    }
  }
  return nullptr;
}

Result<repair::BadList> read_own(const SuspectList& own, std::uint64_t device_bytes) {
  const auto listed = own.read();
  if (!listed) {
    return tl::make_unexpected(listed.error());
  }
  return repair::BadList{RangeSet(listed->common({0, device_bytes})), true, 0};
}

}  // namespace

std::optional<ListPlace> list_of(const Setting& setting, const block::BlockDevice& device,
                                 const std::string& device_id) {
  const protocol::ListedDevice* listed = configured(setting.config, device.node);
  if (listed != nullptr && listed->badblocks) {
    return ListPlace{listed->badblocks->bytes, kListFile, std::chrono::seconds(listed->interval_s), {}};
  }
  if (device.badblocks) {
    return ListPlace{*device.badblocks, kKernelList, kUsualInterval, {}};
  }
  if (listed == nullptr) {
    return std::nullopt;
  }
  const SuspectList own(suspect_directory(setting.options), device_id);
  return ListPlace{own.path(), kOwnList, kUsualInterval, own};
}

Result<repair::BadList> read_bad_list(const ListPlace& place, std::uint64_t device_bytes) {
  if (place.own) {
    return read_own(*place.own, device_bytes);
  }
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
  // The kernel prints its list in order (block/badblocks.c, badblocks_show()); somebody's file may be in any.
  if (place.source == kKernelList && !list.bad.empty()) {
    list.known_to = list.bad.ranges().back().end();
  }
  return list;
}

Status add_bad_range(const std::string& path, const ByteRange& device_range) {
  const SectorRange sectors = touched_sectors(device_range);
  const std::string line = std::to_string(sectors.first) + " " + std::to_string(sectors.count) + "\n";
  const auto file = open_file(path, O_WRONLY);
  if (!file) {
    return tl::make_unexpected(file.error());
  }
  if (auto written = write_exactly(file->get(), std::as_bytes(std::span(line)), 0); !written) {
    return wrap(written.error(), path);
  }
  return {};
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
