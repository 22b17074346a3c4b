// SPDX-License-Identifier: Apache-2.0
#include "worker/pmem.hpp"

#include "pmend/nvdimm/clearing.hpp"
#include "pmend/nvdimm/read_topology.hpp"
#include "pmend/nvdimm/region_list.hpp"
#include "worker/lists.hpp"

namespace pmend::worker {
namespace {

using protocol::CanClear;
using protocol::PmemInfo;

// Of sysfs: /sys/devices/…/ndbus0/region0/pfn0.0/block/pmem0.
bool is_on_nd_bus(const Setting& setting, const block::BlockDevice& device) {
  return setting.roots.sysfs == "/sys" && device.directory.find("/ndbus") != std::string::npos;
}

const std::string& disk_of(const block::BlockDevice& device) {
  return device.partition ? device.partition->disk : device.name;
}

PmemInfo unknown(std::string why) {
  PmemInfo info;
  info.clearing = {CanClear::kUnknown, std::move(why), "look at what ndctl-list(1) says of it"};
  return info;
}

PmemInfo info_of(const nvdimm::NamespacePlace& place, const nvdimm::KernelVersion& kernel) {
  PmemInfo info;
  info.name_space = place.name_space.name;
  info.region = place.region.name;
  info.bus = place.bus.provider;
  info.mode = place.name_space.mode;
  info.physical_start = place.name_space.data ? std::optional(place.name_space.data->offset) : std::nullopt;
  info.dimms = dimms_of(place.bus, place.region);
  info.clearing = clearing(place, kernel);
  return info;
}

// What the list of a region says of one block device in it.
Result<repair::BadList> read_region(const nvdimm::Region& region, const std::string& block) {
  const auto list = read_bad_list({region.badblocks, kRegionList, {}, {}}, region.physical.length);
  if (!list) {
    return tl::make_unexpected(list.error());
  }
  for (const nvdimm::DeviceList& device : translate(region, list->bad, list->complete).devices) {
    if (device.block == block) {
      const auto& bad = device.device_ranges;
      return repair::BadList{RangeSet(bad), device.complete, bad.empty() ? 0 : bad.back().end()};
    }
  }
  return fail(Errc::kNotFound, block + " does not lie in a row in " + region.name);
}

}  // namespace

std::optional<PmemInfo> pmem_info(const Setting& setting, const block::BlockDevice& device) {
  if (!is_on_nd_bus(setting, device)) {
    return std::nullopt;
  }
  const auto topology = nvdimm::read_topology();
  const auto kernel = nvdimm::running_kernel();
  if (!topology || !kernel) {
    return unknown((topology ? kernel.error() : topology.error()).message());
  }
  const auto place = find_namespace(*topology, disk_of(device));
  if (!place) {
    return unknown("libndctl knows no namespace of " + device.node);
  }
  PmemInfo info = info_of(*place, *kernel);
  if (device.partition && info.physical_start) {
    *info.physical_start += device.partition->disk_range.offset;
  }
  return info;
}

std::optional<std::string> why_not_cleared(const Setting& setting, const block::BlockDevice& device) {
  const auto pmem = pmem_info(setting, device);
  if (!pmem || pmem->clearing.can == CanClear::kYes) {
    return std::nullopt;
  }
  const std::string what = pmem->clearing.can == CanClear::kNo
                               ? "a write cannot clear bad places here: "
                               : "nobody knows whether a write clears bad places here: ";
  return what + pmem->clearing.reason + " (" + pmem->clearing.advice + ")";
}

std::optional<RegionPlace> region_of(const Setting& setting, const block::BlockDevice& device) {
  if (!is_on_nd_bus(setting, device)) {
    return std::nullopt;
  }
  const auto topology = nvdimm::read_topology();
  const auto place = topology ? find_namespace(*topology, disk_of(device)) : std::nullopt;
  if (!place) {
    return std::nullopt;
  }
  const nvdimm::Region& region = place->region;
  const bool has_list = !region.badblocks.empty() && !region.physical.empty() && place->name_space.data;
  if (!has_list || device.partition) {
    return RegionPlace{region.physical, nullptr};
  }
  return RegionPlace{region.physical, [region, block = device.name] { return read_region(region, block); }};
}

}  // namespace pmend::worker
