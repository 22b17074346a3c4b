// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/rmap/inode_index.hpp"

#include <sys/types.h>

#include <string>

namespace pmend::rmap {

// Which file system an index is of. A device number is used again, and a UUID is the same on copies.
struct IndexKey {
  dev_t device = 0;
  std::string uuid;  // may be empty

  friend bool operator==(const IndexKey&, const IndexKey&) = default;
};

// Writes an index into a file of a directory that is in memory (tmpfs), in place of the one before: readers have the
// old one or the new one. Errors: the errno.
Status write_index(const std::string& path, const IndexKey& key, const InodeIndex& index);

// Maps it, read-only, and touches no more of it than is looked at. Only a file that this user alone can have written
// is taken; its numbers are checked, its extents are not.
// Errors: the errno; kRefused for a file of somebody else; kStale for another file system; kCorrupt for anything else.
Result<InodeIndex> read_index(const std::string& path, const IndexKey& key);

}  // namespace pmend::rmap
