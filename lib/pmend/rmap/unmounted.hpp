// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/owner.hpp"

#include <functional>
#include <string>
#include <vector>

namespace pmend::rmap {

// Whose bytes of an ext2, ext3 or ext4 these are that is not mounted here: all inodes are read from its block device,
// and names from its directories. Nobody can be asked to confirm it, so each owner says in `detail` what it was read
// from, and that it may be old where the journal waits to be replayed. Paths count from the root of the file system.
// What no inode has and no bitmap calls free is unknown.
//
// `fd` is of the device, read through its page cache. In order of device offset; the ranges are all answered.
// Errors: as ext4::read_layout(); kRefused if the owners are more than fit into one answer.
struct UnmountedExt4 {
  FileSystemRef ref;
  int fd = -1;             // borrowed
  bool elsewhere = false;  // mounted in another mount namespace: the page cache is what it is now
  std::function<bool()> stop;
};
Result<std::vector<Owner>> read_unmounted_ext4(const UnmountedExt4& fs, const std::vector<ByteRange>& ranges);

}  // namespace pmend::rmap
