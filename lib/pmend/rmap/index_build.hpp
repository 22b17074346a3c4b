// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/rmap/inode_index.hpp"
#include "pmend/rmap/open_fs.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace pmend::rmap {

struct BuiltIndex {
  std::shared_ptr<const InodeIndex> index;
  bool whole = true;       // else only what was wanted is in it: it is too large, or the scan was stopped
  bool too_large = false;  // for the budget
  std::string not_seen;    // for people, empty if all inodes were
};

// Reads all inodes of the file system. Errors: those of reading the block device or the first inodes.
Result<BuiltIndex> build_index(const OpenFs& fs, const RangeSet& wanted, std::uint64_t budget_bytes);

}  // namespace pmend::rmap
