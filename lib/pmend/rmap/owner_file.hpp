// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"
#include "pmend/kernel/handles.hpp"
#include "pmend/rmap/ext4/scan.hpp"
#include "pmend/rmap/open_fs.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace pmend::rmap {

// An inode that is there.
struct OwnerFile {
  kernel::InodeId id;
  mode_t mode = 0;  // with the file type
  nlink_t links = 0;
  UniqueFd file;  // of whom FIEMAP can be asked: regular files and directories of ext4, unless there is a lease
};

// Opens inodes of one file system by their numbers, without a trace: no device, pipe or file under a lease is opened,
// and no time of access changes. Not to be used by two threads.
class OwnerFiles {
 public:
  explicit OwnerFiles(const OpenFs& fs);

  // `generation`: which inode of that number is meant, if that is known. Errors: see owner_is_gone(); the errno.
  Result<OwnerFile> open(std::uint64_t inode, std::optional<std::uint32_t> generation);

 private:
  std::optional<OwnerFile> open_at_once(std::uint64_t inode, std::optional<std::uint32_t> generation);
  std::optional<OwnerFile> look_at(std::uint64_t inode);
  Result<OwnerFile> open_by_type(kernel::InodeId id);
  Result<kernel::InodeId> find(std::uint64_t inode, std::optional<std::uint32_t> generation) const;
  Result<kernel::InodeId> identity_of(int path_fd, const kernel::InodeId& wanted) const;

  const OpenFs& fs_;
  std::optional<ext4::InodeReader> inodes_;  // where fs.ext4 is
};

// True for errors of OwnerFiles::open() that mean: the inode is not in use, or another one has its number now.
bool owner_is_gone(const Error& error);

}  // namespace pmend::rmap
