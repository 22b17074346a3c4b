// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/model/enum_names.hpp"
#include "pmend/model/file_path.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pmend {

enum class OwnerKind {
  kFile,      // data of a file, or preallocated space of one
  kMetadata,  // of the file system itself, also directories and attribute blocks
  kFree,      // of a mounted file system, not in use
  kRaw,       // no file system lies there
  kUnknown,   // could not be found out; `detail` says why
};
inline constexpr std::array kOwnerKindNames = {
    EnumName{OwnerKind::kFile, "file"}, EnumName{OwnerKind::kMetadata, "metadata"}, EnumName{OwnerKind::kFree, "free"},
    EnumName{OwnerKind::kRaw, "raw"}, EnumName{OwnerKind::kUnknown, "unknown"}};
constexpr std::span<const EnumName<OwnerKind>> enum_names(OwnerKind) {
  return kOwnerKindNames;
}

// A file system. UUIDs are the same on snapshots and copies, so it counts only together with its device.
struct FileSystemRef {
  std::string type;         // "xfs", "ext4", …
  std::string uuid;         // as blkid prints it, empty if it has none
  std::string label;        // any bytes, mostly empty
  std::string mount_point;  // raw bytes of one mount point in pmend's mount namespace, empty if not mounted

  friend bool operator==(const FileSystemRef&, const FileSystemRef&) = default;
};

// What a file handle of XFS and ext4 holds: the pair names one file for ever, the inode number alone is reused.
struct FileId {
  std::uint64_t inode = 0;
  std::uint64_t generation = 0;

  friend auto operator<=>(const FileId&, const FileId&) = default;
};

struct FileAttributes {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;  // st_mode with the file type
  std::uint64_t size = 0;  // bytes

  friend bool operator==(const FileAttributes&, const FileAttributes&) = default;
};

// A process that has the file open or mapped.
struct OpenBy {
  std::uint32_t pid = 0;
  std::string comm;     // any bytes
  std::string unit;     // systemd unit, empty if in none
  bool mapped = false;  // has a memory mapping of it

  friend bool operator==(const OpenBy&, const OpenBy&) = default;
};

struct Xattr {
  std::string name;   // with its namespace: "user.pmend.hold"
  std::string value;  // any bytes

  friend bool operator==(const Xattr&, const Xattr&) = default;
};

// Who one device range belongs to. A range can have several owners: a shared extent has one per file. Facts that were
// not asked for or could not be had are absent, which is not the same as empty.
struct Owner {
  OwnerKind kind = OwnerKind::kUnknown;
  std::optional<FileSystemRef> filesystem;   // absent for raw
  std::optional<FileId> file;                // JSON: members inode and generation
  std::vector<FilePath> paths;               // names of the file, absolute; hard links are several
  bool all_names = false;                    // true if `paths` holds every name the file has
  std::optional<std::uint64_t> file_offset;  // in bytes, of the byte at device_range.offset
  ByteRange device_range;                    // JSON: members device_offset and length
  bool shared = false;                       // other files have the same extent
  bool unwritten = false;                    // preallocated, reads as zeros: nothing can be lost
  std::string detail;                        // kind of metadata ("inode btree"), or why unknown
  std::optional<FileAttributes> attributes;
  std::optional<std::vector<OpenBy>> open_by;
  std::optional<std::vector<Xattr>> xattrs;

  friend bool operator==(const Owner&, const Owner&) = default;
};

Json to_json(const FileSystemRef& filesystem);
void read_json(const JsonReader& in, FileSystemRef& filesystem);
Json to_json(const FileId& file);
void read_json(const JsonReader& in, FileId& file);
Json to_json(const FileAttributes& attributes);
void read_json(const JsonReader& in, FileAttributes& attributes);
Json to_json(const OpenBy& open_by);
void read_json(const JsonReader& in, OpenBy& open_by);
Json to_json(const Xattr& xattr);
void read_json(const JsonReader& in, Xattr& xattr);
Json to_json(const Owner& owner);
void read_json(const JsonReader& in, Owner& owner);

}  // namespace pmend
