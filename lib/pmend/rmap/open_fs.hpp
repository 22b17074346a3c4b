// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"
#include "pmend/kernel/handles.hpp"
#include "pmend/kernel/xfs_geometry.hpp"
#include "pmend/rmap/ext4/layout.hpp"
#include "pmend/rmap/owner_resolver.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>

namespace pmend::rmap {

// A mounted file system with its root open: what all questions to it need. It keeps the file system from being
// unmounted, so it lives no longer than one answer.
struct OpenFs {
  MountedFileSystem mounted;
  UniqueFd root;
  UniqueFd descriptors;   // kernel::open_descriptors(); none: there is no /proc
  std::string root_path;  // as that shows it when it was opened; empty: not known
  UniqueFd device;        // of ext4: its block device, for reading, through the page cache; none if that cannot be had
  std::optional<ext4::Layout> ext4;  // of that, if its superblock can be read
  kernel::HandleStyle style = kernel::HandleStyle::kXfs;
  std::optional<kernel::XfsGeometry> xfs;
  std::set<std::uint64_t> leased;  // inodes that must not be opened: it would break somebody's lease
  std::function<bool()> stop;

  bool must_stop() const { return stop && stop(); }
};

// True for the types of which more is known than where a file lies: xfs, ext4, and ext2, ext3 (which the ext4 driver
// serves).
bool is_supported(const std::string& type);

// A file system of any type, with its root alone: for walks over the tree. Errors: the errno; kStale if another file
// system is mounted there.
Result<OpenFs> open_tree(const MountedFileSystem& fs, const ResolveOptions& options);

// Errors: as open_tree(); kUnsupported where is_supported() is false, and for XFS that lies on several devices: FIEMAP
// does not say which of them it means.
Result<OpenFs> open_fs(const MountedFileSystem& fs, const ResolveOptions& options);

}  // namespace pmend::rmap
