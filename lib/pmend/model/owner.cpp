// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/owner.hpp"

#include "pmend/model/json_fields.hpp"

namespace pmend {

template <class Fields, ConstOr<FileSystemRef> T>
void describe(Fields& field, T& filesystem) {
  field("type", filesystem.type);
  field("uuid", filesystem.uuid);
  field.bytes("label", "label_base64", filesystem.label);
  field.bytes("mount_point", "mount_point_base64", filesystem.mount_point);
  field.check([&](const JsonReader& in) {
    if (filesystem.mount_point.find('\0') != std::string::npos) {
      in.problem("mount_point holds a NUL byte");
    }
  });
}
Json to_json(const FileSystemRef& filesystem) {
  return write_fields(filesystem);
}
void read_json(const JsonReader& in, FileSystemRef& filesystem) {
  read_fields(in, filesystem);
}

template <class Fields, ConstOr<FileId> T>
void describe(Fields& field, T& file) {
  field("inode", file.inode);
  field("generation", file.generation);
}
Json to_json(const FileId& file) {
  return write_fields(file);
}
void read_json(const JsonReader& in, FileId& file) {
  read_fields(in, file);
}

template <class Fields, ConstOr<FileAttributes> T>
void describe(Fields& field, T& attributes) {
  field("uid", attributes.uid);
  field("gid", attributes.gid);
  field("mode", attributes.mode);
  field("size", attributes.size);
}
Json to_json(const FileAttributes& attributes) {
  return write_fields(attributes);
}
void read_json(const JsonReader& in, FileAttributes& attributes) {
  read_fields(in, attributes);
}

template <class Fields, ConstOr<OpenBy> T>
void describe(Fields& field, T& open_by) {
  field("pid", open_by.pid);
  field.bytes("comm", "comm_base64", open_by.comm);
  field.unless_default("unit", open_by.unit);
  field("mapped", open_by.mapped);
}
Json to_json(const OpenBy& open_by) {
  return write_fields(open_by);
}
void read_json(const JsonReader& in, OpenBy& open_by) {
  read_fields(in, open_by);
}

template <class Fields, ConstOr<Xattr> T>
void describe(Fields& field, T& xattr) {
  field("name", xattr.name);
  field.bytes("value", "value_base64", xattr.value);
}
Json to_json(const Xattr& xattr) {
  return write_fields(xattr);
}
void read_json(const JsonReader& in, Xattr& xattr) {
  read_fields(in, xattr);
}

namespace {

void check_owner(const JsonReader& in, const Owner& owner) {
  if (owner.file_offset && !make_byte_range(*owner.file_offset, owner.device_range.length)) {
    in.problem("file_offset and length go past the largest file offset");
  }
  if (owner.kind == OwnerKind::kFile && (!owner.filesystem || !owner.file || !owner.file_offset)) {
    in.problem("an owner of kind \"file\" needs filesystem, inode, generation and file_offset");
  }
}

}  // namespace

template <class Fields, ConstOr<Owner> T>
void describe(Fields& field, T& owner) {
  field("kind", owner.kind);
  field("filesystem", owner.filesystem);
  field.part("inode", owner.file);
  field("paths", owner.paths);
  field.unless_default("all_names", owner.all_names);
  field("file_offset", owner.file_offset);
  field.range("device_offset", "length", owner.device_range);
  field("shared", owner.shared);
  field.unless_default("unwritten", owner.unwritten);
  field.unless_default("detail", owner.detail);
  field("attributes", owner.attributes);
  field("open_by", owner.open_by);
  field("xattrs", owner.xattrs);
  field.check([&](const JsonReader& in) { check_owner(in, owner); });
}
Json to_json(const Owner& owner) {
  return write_fields(owner);
}
void read_json(const JsonReader& in, Owner& owner) {
  read_fields(in, owner);
}

}  // namespace pmend
