// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/extent_index.hpp"
#include "pmend/rmap/parent_table.hpp"

#include <cstdint>

namespace pmend::rmap {

// What all inodes of a file system said of themselves at some time. It says where to look: an answer is what the owner
// says when it is asked now.
struct InodeIndex {
  ExtentIndex extents;
  ParentTable parents;  // of XFS only once a walk for names was needed
  std::uint32_t block_bytes = 0;
  bool damaged = false;  // some inodes or trees could not be read, and what they have is not in it

  std::uint64_t bytes() const { return extents.bytes() + parents.links().size_bytes(); }
};

}  // namespace pmend::rmap
