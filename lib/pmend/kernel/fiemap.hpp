// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <compare>
#include <cstdint>
#include <vector>

// FS_IOC_FIEMAP (Linux Documentation/filesystems/fiemap.rst).
namespace pmend::kernel {

// One mapping of a file, in bytes. `device_offset` is relative to the file system's block device; on btrfs it is an
// address of btrfs' own, for XFS realtime files it is relative to the *realtime* device.
struct FileExtent {
  std::uint64_t file_offset = 0;
  std::uint64_t device_offset = 0;
  std::uint64_t length = 0;
  std::uint32_t flags = 0;  // FIEMAP_EXTENT_* without LAST and MERGED, which say nothing about the mapping

  ByteRange file_range() const { return {file_offset, length}; }
  ByteRange device_range() const { return {device_offset, length}; }
  // False where `device_offset` must not be used: unknown, delayed, encoded, inline, tail-packed or not aligned data.
  bool has_device_range() const;
  bool is_encoded() const;  // compressed or encrypted
  bool is_unwritten() const;
  bool is_shared() const;

  friend auto operator<=>(const FileExtent&, const FileExtent&) = default;
};

enum class FiemapSync {
  kNo,   // the mapping as it is now; safe under a freeze
  kYes,  // write back first, so that delayed allocations have blocks; fails with EIO if that fails
};

// The extents that overlap `file_range`, in order of file offset, not clipped to it. Adjoining extents that continue
// each other are merged. Errors: the errno, EOPNOTSUPP where the file system or kind of file has no FIEMAP (XFS
// directories).
Result<std::vector<FileExtent>> fiemap(int fd, const ByteRange& file_range, FiemapSync sync = FiemapSync::kNo);

// All extents of the file.
Result<std::vector<FileExtent>> fiemap(int fd, FiemapSync sync = FiemapSync::kNo);

}  // namespace pmend::kernel
