// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <cstdint>

namespace pmend::kernel {

// The kinds of file that decide whether and how one may be written to (DESIGN.md section 5), from statx(2),
// FS_IOC_GETFLAGS (ioctl_iflags(2)) and FS_IOC_FSGETXATTR (ioctl_xfs_fsgetxattr(2)). A file system that knows one of
// the last two not simply has none of their properties.
struct FileFacts {
  bool dax = false;           // its pages are the medium's, there is no page cache of it
  bool immutable = false;     // chattr +i
  bool append_only = false;   // chattr +a
  bool verity = false;        // fs-verity: read-only, checked by hashes
  bool encrypted = false;     // the blocks are not what is read
  bool compressed = false;    // the blocks are not what is read
  bool journal_data = false;  // ext4 chattr +j: contents go through the journal
  bool inline_data = false;   // ext4: small contents lie in the inode
  bool realtime = false;      // XFS: data on the realtime device

  friend bool operator==(const FileFacts&, const FileFacts&) = default;
};

// Errors: the errno.
Result<FileFacts> file_facts(int fd);

// FS_IOC_GETVERSION: the generation of the inode. Errors: the errno, ENOTTY where there is none.
Result<std::uint32_t> inode_generation(int fd);

}  // namespace pmend::kernel
