// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"

#include <compare>
#include <cstdint>
#include <string>

// File handles (name_to_handle_at(2), open_by_handle_at(2)): a file by inode and generation instead of by name, so that
// a reused inode number is noticed (ESTALE). Only XFS and ext2/3/4, whose handle layouts are known
// (fs/xfs/xfs_export.h, include/linux/exportfs.h).
namespace pmend::kernel {

struct InodeId {
  std::uint64_t inode = 0;
  std::uint32_t generation = 0;

  friend auto operator<=>(const InodeId&, const InodeId&) = default;
};

enum class HandleStyle { kXfs, kExt4 };

// Inode and generation of an open file (also O_PATH). Errors: the errno; kUnsupported for a handle of another layout.
Result<InodeId> identify(int fd);

// Opens the file for reading without following, blocking, touching atime or opening anything but a regular file or a
// directory: devices and FIFOs do things when they are opened. `mount_fd` is any open file or directory of the file
// system. Needs CAP_DAC_READ_SEARCH.
// Traps: on ext4 a generation of 0 matches every generation, so identify() the result; an open breaks a write lease
// that somebody holds on the file and then fails with EWOULDBLOCK.
// Errors: the errno, ESTALE where no such file exists any more; kUnsupported for other kinds of file.
Result<UniqueFd> open_by_id(int mount_fd, HandleStyle style, const InodeId& id);

// The same without opening it (O_PATH): for fstat(2) of any kind of file.
Result<UniqueFd> open_path_by_id(int mount_fd, HandleStyle style, const InodeId& id);

// What open_by_id() does with the regular file or directory that is behind such a descriptor. Needs /proc.
Result<UniqueFd> open_behind_path(int path_fd);

// As open_by_id(), for an inode that is known to be a regular file as long as it has this generation, which is not 0.
Result<UniqueFd> open_regular_by_id(int mount_fd, HandleStyle style, const InodeId& id);

// /proc/self/fd, of this process alone: not for its children. Errors: the errno.
Result<UniqueFd> open_descriptors();
// The path of a descriptor as that directory shows it: "/" for a file whose name the kernel does not know. Raw bytes.
// Errors: the errno.
Result<std::string> path_of(int descriptors, int fd);

// The same of a file that has a name in `parent`, so that /proc/self/fd shows it with its path: a path of the file,
// though not always in this directory if it has several names. XFS wants both generations, ext4 takes 0 for any.
// Errors: as above; EINVAL before Linux 6.13, which has no connectable handles; ESTALE if it has no name there.
Result<UniqueFd> open_path_by_id_and_parent(int mount_fd, HandleStyle style, const InodeId& id, const InodeId& parent);

}  // namespace pmend::kernel
