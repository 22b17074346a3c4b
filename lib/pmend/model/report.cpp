// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/report.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend {

template <class Fields, ConstOr<Proof> T>
void describe(Fields& field, T& proof) {
  field("badblocks_clear", proof.badblocks_clear);
  field("read_back", proof.read_back);
  field("neighbours_unchanged", proof.neighbours_unchanged);
  field.sha256("extents_before", proof.extents_before);
  field.sha256("extents_after", proof.extents_after);
  field("attributes_unchanged", proof.attributes_unchanged);
}
Json to_json(const Proof& proof) {
  return write_fields(proof);
}
void read_json(const JsonReader& in, Proof& proof) {
  read_fields(in, proof);
}

template <class Fields, ConstOr<ManifestRange> T>
void describe(Fields& field, T& range) {
  field("paths", range.paths);
  field("inode", range.inode);
  field("file_offset", range.file_offset);
  field.range("device_offset", "length", range.device_range);
  field.check([&](const JsonReader& in) {
    if (range.file_offset && !make_byte_range(*range.file_offset, range.device_range.length)) {
      in.problem("file_offset and length go past the largest file offset");
    }
  });
}
Json to_json(const ManifestRange& range) {
  return write_fields(range);
}
void read_json(const JsonReader& in, ManifestRange& range) {
  read_fields(in, range);
}

template <class Fields, ConstOr<SavedRange> T>
void describe(Fields& field, T& saved) {
  field.part(saved.range);
  field("from", saved.from);
}
Json to_json(const SavedRange& range) {
  return write_fields(range);
}
void read_json(const JsonReader& in, SavedRange& range) {
  read_fields(in, range);
}

template <class Fields, ConstOr<LossManifest> T>
void describe(Fields& field, T& manifest) {
  field("lost", manifest.lost);
  field("salvaged", manifest.salvaged);
  field("restored", manifest.restored);
  field("units", manifest.units);
}
Json to_json(const LossManifest& manifest) {
  return write_fields(manifest);
}
void read_json(const JsonReader& in, LossManifest& manifest) {
  read_fields(in, manifest);
}

template <class Fields, ConstOr<Report> T>
void describe(Fields& field, T& report) {
  field.constant("version", 1);
  field("incident", report.incident);
  field.part(report.manifest);
  field.nullable("approval", report.approval);
  field.nullable("proof", report.proof);
}
Json to_json(const Report& report) {
  return write_fields(report);
}
void read_json(const JsonReader& in, Report& report) {
  read_fields(in, report);
}

}  // namespace pmend
