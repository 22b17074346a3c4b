// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/kernel/handles.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

// XFS_IOC_GETPARENTS_BY_HANDLE (fs/xfs/libxfs/xfs_fs.h, Linux 6.10): which names in which directories an inode has, as
// the inode itself remembers them.
namespace pmend::kernel {

struct ParentPointer {
  InodeId directory;
  std::string name;  // raw bytes; never empty, "." or "..", and without a slash

  friend auto operator<=>(const ParentPointer&, const ParentPointer&) = default;
};

// The first `most` names of the inode, in no order; none for the root of the file system. `root_fd` is any directory of
// it. Needs CAP_SYS_ADMIN.
// Errors: the errno, ESTALE if there is no such inode any more, EOPNOTSUPP on a file system without parent pointers,
// ENOTTY before Linux 6.10 and on other file systems; kInvalid for an answer that does not parse or does not go on.
Result<std::vector<ParentPointer>> xfs_parents(int root_fd, const InodeId& id, std::size_t most);

// The records of one answer. The last one reaches to the end of the buffer, whatever it holds. Errors: kInvalid.
Result<std::vector<ParentPointer>> parse_parent_records(std::span<const std::byte> buffer);

}  // namespace pmend::kernel
