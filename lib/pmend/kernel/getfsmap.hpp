// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <sys/types.h>

#include <cstdint>
#include <vector>

// FS_IOC_GETFSMAP (ioctl_getfsmap(2), linux/fsmap.h): which device ranges of a mounted file system are used by what.
namespace pmend::kernel {

// One record. Bytes; `device_offset` is relative to `device`. Records of one block can be several (shared extents), and
// they are not clipped to the query.
struct FsmapRecord {
  dev_t device = 0;  // makedev(3) form; 0 if the kernel gave a cookie instead of a device number
  std::uint64_t device_offset = 0;
  std::uint64_t length = 0;
  std::uint64_t owner = 0;        // an inode number, or a special owner below if is_special()
  std::uint64_t file_offset = 0;  // of inode owners
  std::uint32_t flags = 0;        // FMR_OF_*

  ByteRange device_range() const { return {device_offset, length}; }
  bool is_special() const;
  bool is_free() const;
  // In use, but the file system cannot say by what: file data on ext4, everything on XFS without rmapbt.
  bool is_unknown() const;
  bool is_unwritten() const;       // preallocated
  bool is_attribute_fork() const;  // holds extended attributes of the inode
  bool is_extent_map() const;      // holds extent records of the inode, not data
  bool is_shared() const;
};

// "inode btree", "journal", "free space" …: the name of a special owner, in the words of xfs_io's fsmap.
const char* special_owner_name(std::uint64_t owner);

// All records that overlap `device_range` of the file system's data device, the one that st_dev of its files names (XFS
// may have two more). `fd` is any open file or directory on it. Needs CAP_SYS_ADMIN for inode owners.
// Trap: freed blocks show as free only once the extent free is committed; right after an unlink XFS still names the
// old owner for some 10 ms. ext4 leaves out some used extents beside free space (seen on Linux 6.18, where
// xfs_io shows the same gaps): what no record covers is unknown, not free.
// Errors: the errno, EOPNOTSUPP on other file systems.
Result<std::vector<FsmapRecord>> getfsmap(int fd, const ByteRange& device_range);

}  // namespace pmend::kernel
