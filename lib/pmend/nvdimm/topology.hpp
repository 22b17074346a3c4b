// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/model/pmem_info.hpp"
#include "pmend/nvdimm/linear_map.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What persistent memory the machine has and where it lies, as a value: buses, their regions, the namespaces in those.
// Every place is a physical address as the kernel told it; none is computed from an assumed layout.
namespace pmend::nvdimm {

struct Namespace {
  std::string name;  // of the kernel: "namespace0.0"
  std::string uuid;  // lower case; of the pfn, dax or btt device where one lies upon it, as in ndctl list; may be empty
  protocol::PmemMode mode = protocol::PmemMode::kRaw;
  bool enabled = false;
  std::string block;     // kernel name of its block device, empty: none
  std::string dax_name;  // with kDevdax: of its character device, "dax0.0"; empty: none
  // All that belongs to it, its info block and page structures too. Empty where the kernel did not tell.
  ByteRange physical;
  // Where the bytes of its device lie, the first of them first. Nothing where they do not lie in a row (kSector), or
  // the kernel did not tell.
  std::optional<ByteRange> data;

  // From bytes of the device to physical addresses; empty without data.
  LinearMap map() const;

  friend bool operator==(const Namespace&, const Namespace&) = default;
};

struct Region {
  std::string name;    // "region0"
  ByteRange physical;  // empty where the kernel did not tell
  bool read_only = false;
  std::uint64_t interleave_ways = 0;
  std::vector<std::string> dimms;  // kernel names
  std::vector<Namespace> namespaces;
  std::string badblocks;  // path of its list of bad sectors, counted from its start

  friend bool operator==(const Region&, const Region&) = default;
};

// What a bus is, for the question whether it can clear.
enum class BusKind {
  kNfit,  // ACPI: its firmware is asked by commands
  kCxl,
  kPapr,       // PowerVM
  kSimulated,  // e820 (memmap=), virtio-pmem, of_pmem: the driver takes an entry off the list and asks nobody
  kOther,
};

struct Bus {
  std::string name;      // "ndbus0"
  std::string provider;  // "ACPI.NFIT", "e820", …
  BusKind kind = BusKind::kOther;
  bool ars_cap = false;
  bool ars_start = false;
  bool ars_status = false;
  bool clear_error = false;
  std::string control;  // node of its control device: "/dev/ndctl0"
  std::string scrub;    // path of the attribute that counts scrubs and starts them, empty: it has none
  std::vector<protocol::PmemDimm> dimms;
  std::string
      dimm_flags;  // the attribute of a DIMM that signals events of its health: "nfit/flags", empty: it has none
  std::vector<Region> regions;

  friend bool operator==(const Bus&, const Bus&) = default;
};

struct Topology {
  std::vector<Bus> buses;

  friend bool operator==(const Topology&, const Topology&) = default;
};

// A namespace and all that it lies in. Borrows from the topology.
struct NamespacePlace {
  const Bus& bus;
  const Region& region;
  const Namespace& name_space;
};

// By the kernel name of its block or its dax device. No partition has one.
std::optional<NamespacePlace> find_namespace(const Topology& topology, const std::string& device_name);

// The namespace's DIMMs, as far as the bus lists them.
std::vector<protocol::PmemDimm> dimms_of(const Bus& bus, const Region& region);

// From sectors counted from the region's start, as its badblocks does, to physical addresses; cut at the region's end.
std::optional<ByteRange> physical_of(const Region& region, const SectorRange& region_sectors);
// The sectors of the region that `physical` touches; nothing where it is not in the region.
std::optional<SectorRange> region_sectors_of(const Region& region, const ByteRange& physical);

// Whose bytes a physical range is.
enum class HitKind {
  kData,      // of the device of `name_space`, at `device_range`
  kReserved,  // of `name_space`, but of no byte of its device: info block, page structures, padding, a translation
              // table
  kNobody,    // of the region, but of no namespace: labels of old, free capacity
};

// One piece of a physical range, all of which is one thing.
struct Hit {
  HitKind kind = HitKind::kNobody;
  ByteRange physical;
  const Region* region = nullptr;
  const Namespace* name_space = nullptr;  // not with kNobody
  ByteRange device_range;                 // with kData
};

// In order of address. What lies in no region is left out. Where namespaces overlap, which no sane kernel says, each
// byte of both is a hit of each: it is better to suspect one too many.
std::vector<Hit> hits(const Topology& topology, const ByteRange& physical);
std::vector<Hit> hits(const Region& region, const ByteRange& physical);

// "the info block or page structures of namespace0.0 (region0, /dev/pmem0)", for people.
std::string describe(const Hit& hit);

}  // namespace pmend::nvdimm
