// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/file_model.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace pmend::world {

// Builds files of known content below a mount point and keeps their models. Every file is synced to the medium and its
// facts (inode, mode, extents, xattrs …) are taken by settle().
class Tree {
 public:
  explicit Tree(std::string mount_point) : mount_point_(std::move(mount_point)) {}

  // The references stay valid until the tree goes.
  FileModel& add_file(const std::string& name, std::uint64_t size);
  FileModel& add_sparse_file(const std::string& name, std::uint64_t size, const std::vector<ByteRange>& holes);
  // Preallocated and never written: unwritten extents, which read as zeros.
  FileModel& add_unwritten_file(const std::string& name, std::uint64_t size);
  // One extent per block, with holes of one block between them.
  FileModel& add_fragmented_file(const std::string& name, std::uint64_t extents);
  // Another name of the same inode. Its directory must exist or is made.
  void add_hard_link(FileModel& file, const std::string& name);
  // A copy that shares all extents (FICLONE, XFS with reflink).
  FileModel& add_reflink(const FileModel& source, const std::string& name);
  void set_xattr(FileModel& file, const std::string& name, const std::string& value);
  // security.capability as setcap(8) cap_net_raw+ep writes it.
  void set_capability(FileModel& file);

  // `plain` plain files of 1 to 16 blocks in a few directories, and one file of every odd kind: names with a newline,
  // invalid UTF-8, backslash, 255 bytes; hard links, sparse, unwritten, tail block, many extents, xattrs, capability,
  // unusual mode and owner, empty; a reflink pair if `reflink`.
  void add_standard_files(std::uint64_t plain, bool reflink);

  // Syncs everything and records what must stay. Call it once, before anything is poisoned.
  void settle();

  FileModel& file(const std::string& name);
  std::vector<FileModel*> files();
  std::vector<const FileModel*> files() const;
  const std::string& mount_point() const { return mount_point_; }
  std::string path(const FileModel& file) const { return mount_point_ + "/" + file.name(); }

 private:
  FileModel& add_model(const std::string& name, std::uint64_t size);
  void make_parent(const std::string& name) const;

  std::string mount_point_;
  std::vector<std::unique_ptr<FileModel>> files_;
};

// All extended attributes of a path's inode, names and raw values, without following links. Throws Failure.
std::map<std::string, std::string> read_xattrs(const std::string& path);

// chattr(1) +i and -i.
void set_immutable(const std::string& path, bool on);

}  // namespace pmend::world
