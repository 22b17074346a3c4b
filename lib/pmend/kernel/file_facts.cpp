// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/file_facts.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

namespace pmend::kernel {
namespace {

#ifndef FS_INLINE_DATA_FL
#define FS_INLINE_DATA_FL 0x10000000
#endif

bool is_absent(int number) {
  return number == ENOTTY || number == EOPNOTSUPP;
}

// 0 where the file system has no such call.
Result<unsigned> inode_flags(int fd) {
  int flags = 0;
  if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 && !is_absent(errno)) {
    return fail_errno("FS_IOC_GETFLAGS");
  }
  return static_cast<unsigned>(flags);
}

Result<unsigned> extended_flags(int fd) {
  struct fsxattr attributes = {};
  if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0 && !is_absent(errno)) {
    return fail_errno("FS_IOC_FSGETXATTR");
  }
  return attributes.fsx_xflags;
}

}  // namespace

Result<FileFacts> file_facts(int fd) {
  struct statx status = {};
  if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status) < 0) {
    return fail_errno("statx");
  }
  const auto flags = inode_flags(fd);
  if (!flags) {
    return tl::make_unexpected(flags.error());
  }
  const auto extended = extended_flags(fd);
  if (!extended) {
    return tl::make_unexpected(extended.error());
  }
  const auto has = [&status](std::uint64_t attribute) { return (status.stx_attributes & attribute) != 0; };
  FileFacts facts;
  facts.dax = has(STATX_ATTR_DAX);
  facts.immutable = has(STATX_ATTR_IMMUTABLE);
  facts.append_only = has(STATX_ATTR_APPEND);
  facts.verity = has(STATX_ATTR_VERITY);
  facts.encrypted = has(STATX_ATTR_ENCRYPTED);
  facts.compressed = has(STATX_ATTR_COMPRESSED);
  facts.journal_data = (*flags & FS_JOURNAL_DATA_FL) != 0;
  facts.inline_data = (*flags & FS_INLINE_DATA_FL) != 0;
  facts.realtime = (*extended & FS_XFLAG_REALTIME) != 0;
  return facts;
}

Result<std::uint32_t> inode_generation(int fd) {
  int generation = 0;
  if (ioctl(fd, FS_IOC_GETVERSION, &generation) < 0) {
    return fail_errno("FS_IOC_GETVERSION");
  }
  return static_cast<std::uint32_t>(generation);
}

}  // namespace pmend::kernel
