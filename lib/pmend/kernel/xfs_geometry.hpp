// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <cstdint>

namespace pmend::kernel {

// What XFS_IOC_FSGEOMETRY (ioctl_xfs_fsgeometry(2)) says of a mounted XFS, as far as the reverse map and repairs need
// it.
struct XfsGeometry {
  std::uint64_t block_bytes = 0;
  std::uint64_t data_blocks = 0;
  std::uint64_t realtime_blocks = 0;  // not 0: some files lie on another device
  bool external_log = false;          // the journal lies on another device
  bool reverse_map = false;           // rmapbt=1: GETFSMAP knows the owners
  bool reflink = false;               // extents may be shared
  bool exchange_range = false;        // exchange=1: files can exchange pieces of their mappings (Linux 6.10)
  bool parent_pointers = false;       // parent=1: an inode knows its names (Linux 6.10)
  std::uint64_t last_inode = 0;       // no inode has a larger number
};

// Errors: the errno, ENOTTY on other file systems.
Result<XfsGeometry> xfs_geometry(int fd);

}  // namespace pmend::kernel
