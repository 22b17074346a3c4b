// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/ext4/block_map.hpp"
#include "pmend/rmap/parent_table.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace pmend::rmap::ext4 {

struct ScanReport {
  std::uint32_t block_bytes = 0;
  std::uint32_t cluster_blocks = 1;
  std::uint64_t inodes = 0;       // in use
  std::vector<ParentLink> links;  // in no order
  Damage damage;
  bool stopped = false;
};

// Tells all blocks of all inodes, hidden ones and deleted but open ones too: one pass over the inode tables, one over
// the blocks of trees and one over directories. Never writes, never opens a file, and takes what it reads for what it
// may be: anything. `fd` is a block device or an image of one.
// Errors: the errno; kCorrupt if there is no superblock to go by.
Result<ScanReport> scan(int fd, const ExtentSink& sink, const std::function<bool()>& stop);

// The blocks of one inode, now. Errors: as scan(); kNotFound if it is not in use or damaged.
Result<std::vector<IndexedExtent>> read_blocks_of(int fd, std::uint32_t inode);

}  // namespace pmend::rmap::ext4
