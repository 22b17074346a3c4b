// SPDX-License-Identifier: Apache-2.0
#include "pmend/nvdimm/topology_json.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend::nvdimm {

inline constexpr std::array kBusKindNames = {
    EnumName{BusKind::kNfit, "nfit"}, EnumName{BusKind::kCxl, "cxl"}, EnumName{BusKind::kPapr, "papr"},
    EnumName{BusKind::kSimulated, "simulated"}, EnumName{BusKind::kOther, "other"}};
constexpr std::span<const EnumName<BusKind>> enum_names(BusKind) {
  return kBusKindNames;
}

// Places may be empty, which a range of the model may not.
template <class Fields, ConstOr<Namespace> T>
void describe(Fields& field, T& name_space) {
  field("name", name_space.name);
  field("uuid", name_space.uuid);
  field("mode", name_space.mode);
  field("enabled", name_space.enabled);
  field("block", name_space.block);
  field("dax", name_space.dax_name);
  field("start", name_space.physical.offset);
  field("bytes", name_space.physical.length);
  field("data", name_space.data);
}
Json to_json(const Namespace& name_space) {
  return write_fields(name_space);
}
void read_json(const JsonReader& in, Namespace& name_space) {
  read_fields(in, name_space);
}

template <class Fields, ConstOr<Region> T>
void describe(Fields& field, T& region) {
  field("name", region.name);
  field("start", region.physical.offset);
  field("bytes", region.physical.length);
  field("read_only", region.read_only);
  field("interleave_ways", region.interleave_ways);
  field("dimms", region.dimms);
  field("namespaces", region.namespaces);
  field("badblocks", region.badblocks);
}
Json to_json(const Region& region) {
  return write_fields(region);
}
void read_json(const JsonReader& in, Region& region) {
  read_fields(in, region);
}

template <class Fields, ConstOr<Bus> T>
void describe(Fields& field, T& bus) {
  field("name", bus.name);
  field("provider", bus.provider);
  field("kind", bus.kind);
  field("ars_cap", bus.ars_cap);
  field("ars_start", bus.ars_start);
  field("ars_status", bus.ars_status);
  field("clear_error", bus.clear_error);
  field("control", bus.control);
  field("scrub", bus.scrub);
  field("dimms", bus.dimms);
  field("dimm_flags", bus.dimm_flags);
  field("regions", bus.regions);
}
Json to_json(const Bus& bus) {
  return write_fields(bus);
}
void read_json(const JsonReader& in, Bus& bus) {
  read_fields(in, bus);
}

template <class Fields, ConstOr<Topology> T>
void describe(Fields& field, T& topology) {
  field("buses", topology.buses);
}
Json to_json(const Topology& topology) {
  return write_fields(topology);
}
void read_json(const JsonReader& in, Topology& topology) {
  read_fields(in, topology);
}

}  // namespace pmend::nvdimm
