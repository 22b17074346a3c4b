// SPDX-License-Identifier: Apache-2.0
#include "pmend/nvdimm/read_topology.hpp"

#include "pmend/base/text.hpp"

#include <climits>
#include <ndctl/libndctl.h>

#include <linux/ndctl.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

namespace pmend::nvdimm {
namespace {

using protocol::PmemMode;

constexpr const char* kDevices = "/sys/bus/nd/devices";

struct Unref {
  void operator()(ndctl_ctx* context) const { ndctl_unref(context); }
};
using Context = std::unique_ptr<ndctl_ctx, Unref>;

// It writes to stderr on its own, which belongs to the program.
void say_nothing(ndctl_ctx* /*context*/, int /*priority*/, const char* /*file*/, int /*line*/, const char* /*function*/,
                 const char* /*format*/, va_list /*arguments*/) {}

std::string text_of(const char* text) {
  return text != nullptr ? text : "";
}

// libndctl has ULLONG_MAX for what it could not read.
std::optional<ByteRange> range_of(unsigned long long start, unsigned long long size) {
  if (start == ULLONG_MAX || size == ULLONG_MAX || size == 0) {
    return std::nullopt;
  }
  const auto range = make_byte_range(start, size);
  return range ? std::optional(*range) : std::nullopt;
}

// ndctl_*_get_uuid() fill 16 bytes.
template <class Get, class Object>
std::string uuid_of(Get get, Object* object) {
  std::array<unsigned char, 16> raw{};
  get(object, raw.data());
  if (std::ranges::all_of(raw, [](unsigned char byte) { return byte == 0; })) {
    return "";
  }
  const std::string hex = to_hex(std::as_bytes(std::span(raw)));
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

// The character device is a child of libnvdimm's and not always its namesake. One that was cut into several
// (daxctl-create-device(1)) is told by the first of them.
std::string dax_device_of(const std::string& nd_dax) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(std::string(kDevices) + "/" + nd_dax, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code is_no_link;
    const std::string name = it->path().filename();
    if (name.starts_with("dax") && name.find('.') != std::string::npos && it->is_directory(is_no_link)) {
      names.push_back(name);
    }
  }
  return names.empty() ? "" : *std::ranges::min_element(names);
}

// What lies upon a namespace decides where its bytes are; the device of the upper one is the device.
void take_pfn(Namespace& out, ndctl_pfn* pfn) {
  out.mode = PmemMode::kFsdax;
  out.enabled = ndctl_pfn_is_enabled(pfn) > 0;
  out.uuid = uuid_of(ndctl_pfn_get_uuid, pfn);
  out.block = text_of(ndctl_pfn_get_block_device(pfn));
  out.data = range_of(ndctl_pfn_get_resource(pfn), ndctl_pfn_get_size(pfn));
}

void take_dax(Namespace& out, ndctl_dax* dax) {
  out.mode = PmemMode::kDevdax;
  out.enabled = ndctl_dax_is_enabled(dax) > 0;
  out.uuid = uuid_of(ndctl_dax_get_uuid, dax);
  out.dax_name = dax_device_of(text_of(ndctl_dax_get_devname(dax)));
  out.data = range_of(ndctl_dax_get_resource(dax), ndctl_dax_get_size(dax));
}

void take_btt(Namespace& out, ndctl_btt* btt) {
  out.mode = PmemMode::kSector;
  out.enabled = ndctl_btt_is_enabled(btt) > 0;
  out.uuid = uuid_of(ndctl_btt_get_uuid, btt);
  out.block = text_of(ndctl_btt_get_block_device(btt));
}

void take_bare(Namespace& out, ndctl_namespace* ndns) {
  // Where memory was reserved with memmap= the driver makes page structures without an info block.
  out.mode = ndctl_namespace_get_mode(ndns) == NDCTL_NS_MODE_FSDAX ? PmemMode::kFsdax : PmemMode::kRaw;
  out.enabled = ndctl_namespace_is_enabled(ndns) > 0;
  out.uuid = uuid_of(ndctl_namespace_get_uuid, ndns);
  out.block = text_of(ndctl_namespace_get_block_device(ndns));
  out.data = out.physical.empty() ? std::nullopt : std::optional(out.physical);
}

std::optional<Namespace> read_namespace(ndctl_namespace* ndns) {
  Namespace out;
  out.name = text_of(ndctl_namespace_get_devname(ndns));
  if (ndctl_namespace_get_size(ndns) == 0) {
    return std::nullopt;  // the seed, of which the next one can be made
  }
  out.physical = range_of(ndctl_namespace_get_resource(ndns), ndctl_namespace_get_size(ndns)).value_or(ByteRange());
  if (ndctl_pfn* pfn = ndctl_namespace_get_pfn(ndns)) {
    take_pfn(out, pfn);
  } else if (ndctl_dax* dax = ndctl_namespace_get_dax(ndns)) {
    take_dax(out, dax);
  } else if (ndctl_btt* btt = ndctl_namespace_get_btt(ndns)) {
    take_btt(out, btt);
  } else {
    take_bare(out, ndns);
  }
  // Between two reads the namespace was made anew, or somebody lies.
  if (out.data && !out.physical.contains(*out.data)) {
    out.data.reset();
  }
  return out;
}

Region read_region(ndctl_region* region, const std::string& bus_directory) {
  Region out;
  out.name = text_of(ndctl_region_get_devname(region));
  out.physical = range_of(ndctl_region_get_resource(region), ndctl_region_get_size(region)).value_or(ByteRange());
  out.read_only = ndctl_region_get_ro(region) > 0;
  out.interleave_ways = ndctl_region_get_interleave_ways(region);
  out.badblocks = bus_directory + "/" + out.name + "/badblocks";
  ndctl_dimm* dimm = nullptr;
  ndctl_dimm_foreach_in_region(region, dimm) {
    out.dimms.push_back(text_of(ndctl_dimm_get_devname(dimm)));
  }
  ndctl_namespace* ndns = nullptr;
  ndctl_namespace_foreach(region, ndns) {
    auto name_space = read_namespace(ndns);
    // Outside of its region its place cannot be right.
    if (name_space && (name_space->physical.empty() || out.physical.contains(name_space->physical))) {
      out.namespaces.push_back(std::move(*name_space));
    }
  }
  return out;
}

std::string health_of(ndctl_dimm* dimm) {
  ndctl_dimm_refresh_flags(dimm);
  std::string problems;
  const auto note = [&problems](bool is, const char* what) {
    problems += is ? (problems.empty() ? "" : ", ") + std::string(what) : "";
  };
  note(ndctl_dimm_failed_save(dimm) > 0, "save failed");
  note(ndctl_dimm_failed_restore(dimm) > 0, "restore failed");
  note(ndctl_dimm_failed_flush(dimm) > 0, "flush failed");
  note(ndctl_dimm_failed_arm(dimm) > 0, "not armed");
  note(ndctl_dimm_failed_map(dimm) > 0, "not mapped");
  note(ndctl_dimm_smart_pending(dimm) > 0, "health event pending");
  return problems.empty() ? "ok" : problems;
}

protocol::PmemDimm read_dimm(ndctl_dimm* dimm) {
  protocol::PmemDimm out;
  out.name = text_of(ndctl_dimm_get_devname(dimm));
  out.id = text_of(ndctl_dimm_get_unique_id(dimm));
  const unsigned serial = ndctl_dimm_get_serial(dimm);
  if (out.id.empty() && serial != 0 && serial != UINT_MAX) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "0x%08x", serial);
    out.id = text.data();
  }
  const unsigned handle = ndctl_dimm_get_handle(dimm);
  out.handle = handle == UINT_MAX ? 0 : handle;
  out.health = health_of(dimm);
  return out;
}

// ndctl_bus_has_cxl() of libndctl 76 is true for virtio-pmem, so drivers that give their own name are asked for it
// first.
BusKind kind_of(ndctl_bus* bus, const std::string& provider) {
  if (ndctl_bus_has_nfit(bus) > 0) {
    return BusKind::kNfit;
  }
  if (provider == "e820" || provider == "virtio-pmem") {
    return BusKind::kSimulated;
  }
  if (ndctl_bus_has_cxl(bus) > 0 || provider == "CXL") {
    return BusKind::kCxl;
  }
  if (ndctl_bus_is_papr_scm(bus) > 0) {
    return BusKind::kPapr;
  }
  return ndctl_bus_has_of_node(bus) > 0 ? BusKind::kSimulated : BusKind::kOther;
}

Bus read_bus(ndctl_bus* bus) {
  Bus out;
  out.name = text_of(ndctl_bus_get_devname(bus));
  out.provider = text_of(ndctl_bus_get_provider(bus));
  out.kind = kind_of(bus, out.provider);
  out.ars_cap = ndctl_bus_is_cmd_supported(bus, ND_CMD_ARS_CAP) > 0;
  out.ars_start = ndctl_bus_is_cmd_supported(bus, ND_CMD_ARS_START) > 0;
  out.ars_status = ndctl_bus_is_cmd_supported(bus, ND_CMD_ARS_STATUS) > 0;
  out.clear_error = ndctl_bus_is_cmd_supported(bus, ND_CMD_CLEAR_ERROR) > 0;
  out.control = "/dev/ndctl" + std::to_string(ndctl_bus_get_id(bus));
  const std::string directory = kDevices;
  if (ndctl_bus_get_scrub_state(bus) >= 0) {
    out.scrub = directory + "/" + out.name + "/nfit/scrub";
  }
  ndctl_dimm* dimm = nullptr;
  ndctl_dimm_foreach(bus, dimm) {
    out.dimms.push_back(read_dimm(dimm));
  }
  // As libndctl opens them (add_dimm() in its libndctl.c).
  out.dimm_flags = out.kind == BusKind::kNfit ? "nfit/flags" : out.kind == BusKind::kPapr ? "papr/flags" : "";
  ndctl_region* region = nullptr;
  ndctl_region_foreach(bus, region) {
    out.regions.push_back(read_region(region, directory));
  }
  return out;
}

}  // namespace

Result<Topology> read_topology() {
  ndctl_ctx* raw = nullptr;
  if (const int error = ndctl_new(&raw); error < 0) {
    return fail_errno("libndctl", -error);
  }
  const Context context(raw);
  ndctl_set_log_fn(context.get(), say_nothing);
  Topology topology;
  ndctl_bus* bus = nullptr;
  ndctl_bus_foreach(context.get(), bus) {
    topology.buses.push_back(read_bus(bus));
  }
  return topology;
}

}  // namespace pmend::nvdimm
