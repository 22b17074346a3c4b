// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/pmem_info.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend::protocol {

template <class Fields, ConstOr<Clearing> T>
void describe(Fields& field, T& clearing) {
  field("can", clearing.can);
  field("reason", clearing.reason);
  field.unless_default("advice", clearing.advice);
}
Json to_json(const Clearing& clearing) {
  return write_fields(clearing);
}
void read_json(const JsonReader& in, Clearing& clearing) {
  read_fields(in, clearing);
}

template <class Fields, ConstOr<PmemDimm> T>
void describe(Fields& field, T& dimm) {
  field("name", dimm.name);
  field("id", dimm.id);
  field("handle", dimm.handle);
  field("health", dimm.health);
}
Json to_json(const PmemDimm& dimm) {
  return write_fields(dimm);
}
void read_json(const JsonReader& in, PmemDimm& dimm) {
  read_fields(in, dimm);
}

template <class Fields, ConstOr<PmemInfo> T>
void describe(Fields& field, T& pmem) {
  field("namespace", pmem.name_space);
  field("region", pmem.region);
  field("bus", pmem.bus);
  field("mode", pmem.mode);
  field("physical_start", pmem.physical_start);
  field("dimms", pmem.dimms);
  field("clearing", pmem.clearing);
}
Json to_json(const PmemInfo& pmem) {
  return write_fields(pmem);
}
void read_json(const JsonReader& in, PmemInfo& pmem) {
  read_fields(in, pmem);
}

}  // namespace pmend::protocol
