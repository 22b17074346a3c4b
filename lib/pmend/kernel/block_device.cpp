// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/block_device.hpp"

#include <linux/fs.h>
#include <sys/ioctl.h>

#include <array>

namespace pmend::kernel {
namespace {

Status range_ioctl(int fd, unsigned long request, const ByteRange& range, const char* name) {
  std::array<std::uint64_t, 2> argument{range.offset, range.length};
  if (ioctl(fd, request, argument.data()) < 0) {
    return fail_errno(std::string(name) + " " + to_string(range));
  }
  return {};
}

}  // namespace

Result<BlockDeviceGeometry> block_device_geometry(int device_fd) {
  BlockDeviceGeometry geometry;
  if (ioctl(device_fd, BLKGETSIZE64, &geometry.size_bytes) < 0) {
    return fail_errno("BLKGETSIZE64");
  }
  int logical = 0;
  if (ioctl(device_fd, BLKSSZGET, &logical) < 0) {
    return fail_errno("BLKSSZGET");
  }
  geometry.logical_block_bytes = static_cast<std::uint32_t>(logical);
  if (ioctl(device_fd, BLKPBSZGET, &geometry.physical_block_bytes) < 0) {
    return fail_errno("BLKPBSZGET");
  }
  return geometry;
}

Status zero_out(int device_fd, const ByteRange& range) {
  return range_ioctl(device_fd, BLKZEROOUT, range, "BLKZEROOUT");
}

Status discard(int device_fd, const ByteRange& range) {
  return range_ioctl(device_fd, BLKDISCARD, range, "BLKDISCARD");
}

Status flush_buffers(int device_fd) {
  if (ioctl(device_fd, BLKFLSBUF, 0) < 0) {
    return fail_errno("BLKFLSBUF");
  }
  return {};
}

}  // namespace pmend::kernel
