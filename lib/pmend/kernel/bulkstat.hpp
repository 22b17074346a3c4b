// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

// XFS_IOC_BULKSTAT (ioctl_xfs_bulkstat(2), xfsprogs libxfs/xfs_fs.h): facts of XFS inodes by number, also of unlinked
// ones that are still open. Needs CAP_SYS_ADMIN. The inode number alone says nothing: read the generation.
namespace pmend::kernel {

struct BulkstatRecord {
  std::uint64_t inode = 0;
  std::uint32_t generation = 0;
  mode_t mode = 0;  // with the file type
  std::uint32_t links = 0;
  std::uint64_t blocks = 0;  // file system blocks of all forks; 0: it owns no space
  bool realtime = false;     // its data lies on the realtime device, and so do the offsets that FIEMAP gives
};

// The inode with this number; nothing if it is not in use. Errors: the errno, ENOTTY on other file systems.
Result<std::optional<BulkstatRecord>> bulkstat_one(int mount_fd, std::uint64_t inode);

// The next inodes in use with numbers from `first` on, in order, some thousand at most; empty at the end.
Result<std::vector<BulkstatRecord>> bulkstat_from(int mount_fd, std::uint64_t first);

}  // namespace pmend::kernel
