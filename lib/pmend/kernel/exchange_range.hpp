// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <array>
#include <cstdint>

// XFS_IOC_START_COMMIT and XFS_IOC_COMMIT_RANGE (ioctl_xfs_commit_range(2); Linux 6.10 to 6.12,
// fs/xfs/xfs_exchrange.c): two files exchange a piece of their mappings, as one action that also a crash does not
// divide, and only if one of them was not changed meanwhile. Needs XfsGeometry::exchange_range. The headers of Debian
// 12 have none of it, and the manual page is wrong: the freshness is six words, not five.
namespace pmend::kernel {

class RangeCommit {
 public:
  // Takes down what `target_fd`, a regular file on XFS, is like now: inode, generation, mtime and ctime.
  // Trap: where the kernel stamps files once a tick only (before Linux 6.13), a second change in one tick leaves the
  // times as they were. So this waits for a tick without a change, some milliseconds.
  // Errors: the errno, ENOTTY where the kernel has no such call; EBUSY where the file is changed all the time.
  static Result<RangeCommit> start(int target_fd);

  // Exchanges `file_range` of the target for as many bytes of the donor from `donor_offset`, and waits until that is
  // durable. Both files must be open for reading and writing by way of the same mount. Offsets are whole blocks of the
  // file system, the length too unless both files end there. Drops the page cache of the range, and writes back first
  // what is dirty of it.
  // Traps: the kernel takes security.capability from both files, as for a write; a store through a mapping that could
  // write before start() does not count as a change, so nothing of the range may be dirty after start().
  // Errors: EBUSY if the target was changed since start(); EPERM for immutable files; the errno of the write-back. With
  // any error nothing was exchanged, unless the medium of the log failed.
  Status commit(int donor_fd, std::uint64_t donor_offset, const ByteRange& file_range) const;

 private:
  RangeCommit(int target_fd, const std::array<std::uint64_t, 6>& freshness)
      : target_fd_(target_fd), freshness_(freshness) {}

  int target_fd_;  // borrowed
  std::array<std::uint64_t, 6> freshness_;
};

}  // namespace pmend::kernel
