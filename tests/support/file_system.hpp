// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

namespace pmend::world {

enum class FsType { kXfs, kExt4 };

struct FsOptions {
  FsType type = FsType::kXfs;
  bool rmapbt = true;         // XFS only
  bool reflink = true;        // XFS only
  bool exchange = false;      // XFS only: files can exchange pieces of their mappings
  bool data_journal = false;  // ext4 only

  // The smallest medium that takes it.
  std::uint64_t medium_bytes() const;
};

// Why no file system with `exchange` can be made here; nothing if it can.
std::optional<std::string> exchange_unavailable();

// "xfs", "xfs-rmapbt0-reflink0", "ext4", "ext4-data-journal": for test names and tables.
std::string to_string(const FsOptions& options);
// gtest prints parameters with these.
std::ostream& operator<<(std::ostream& out, FsType type);
std::ostream& operator<<(std::ostream& out, const FsOptions& options);

// A file system made on `node` and mounted on `mount_point`; unmounted by unmount() or, if forgotten, detached by the
// destructor. All throw Failure.
class FileSystem {
 public:
  FileSystem(std::string node, std::string mount_point, FsOptions options);
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;
  ~FileSystem();

  const std::string& mount_point() const { return mount_point_; }
  const std::string& node() const { return node_; }
  const FsOptions& options() const { return options_; }

  void mount();
  void unmount();
  // syncfs(2): everything dirty is on the medium when it returns.
  void sync() const;
  // Empties the page cache of this file system's files and of its device: sync, unmount, flush, mount. Other file
  // systems keep theirs.
  void drop_caches();
  // Mounts the same file system from another device node, after its old device went away.
  void remount_on(const std::string& node);

 private:
  void make() const;

  std::string node_;
  std::string mount_point_;
  FsOptions options_;
  bool mounted_ = false;
};

}  // namespace pmend::world
