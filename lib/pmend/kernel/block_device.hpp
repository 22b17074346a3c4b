// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <cstdint>

// Block device ioctls (linux/fs.h; there is no man page for most of them). Offsets are bytes from the start of the
// opened device, for a partition from the partition's start.
namespace pmend::kernel {

struct BlockDeviceGeometry {
  std::uint64_t size_bytes = 0;            // BLKGETSIZE64
  std::uint32_t logical_block_bytes = 0;   // BLKSSZGET: the smallest write
  std::uint32_t physical_block_bytes = 0;  // BLKPBSZGET
};

Result<BlockDeviceGeometry> block_device_geometry(int device_fd);

// BLKZEROOUT: zeroes the range on the medium, by the device's zero command or by writing zeros. `range` is a multiple
// of the logical block. Drops the block device's page cache of the range, not that of files.
// Trap: success is not proof; where the device has no zero command the kernel writes, and on a page that took a machine
// check that write can oops (repair-safety.md, "Machine checks").
Status zero_out(int device_fd, const ByteRange& range);

// BLKDISCARD: tells the device that the range is not needed. It may read as anything afterwards, and the first call
// after the device lost the command has been seen to return 0 without doing anything.
Status discard(int device_fd, const ByteRange& range);

// BLKFLSBUF: writes back and drops the block device's own page cache.
Status flush_buffers(int device_fd);

}  // namespace pmend::kernel
