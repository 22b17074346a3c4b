// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/ext4/block_map.hpp"
#include "pmend/rmap/ext4/inode.hpp"
#include "pmend/rmap/parent_table.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pmend::rmap::ext4 {

struct ScanReport {
  std::uint64_t inodes = 0;       // in use
  std::vector<ParentLink> links;  // in no order
  Damage damage;
  bool stopped = false;
};

struct ScanOptions {
  ExtentSink sink;
  std::function<bool()> stop;         // asked now and then; true ends the scan
  std::function<bool()> wants_links;  // asked once all extents are told
};

// Tells all blocks of all inodes, hidden ones and deleted but open ones too: one pass over the inode tables, one over
// the blocks of trees and one over directories. Never writes, never opens a file, and takes what it reads for what it
// may be: anything. `damage` is what was met before.
ScanReport scan(const Layout& layout, const ScanOptions& options, Damage damage);

// One inode and its blocks.
struct InodeBlocks {
  Inode inode;
  std::vector<IndexedExtent> extents;
  std::uint32_t block_bytes = 0;
  bool hidden = false;  // the kernel does not let anybody open it
};

// Looks at single inodes.
class InodeReader {
 public:
  explicit InodeReader(const Layout& layout) : layout_(layout) {}

  // As it is now. Nothing if it is not in use, damaged, or cannot be read.
  std::optional<Inode> read(std::uint32_t number);
  // The same, of a number that there is; damaged too where it cannot be read.
  InodeState read(std::uint32_t number, Inode& inode);

 private:
  std::uint64_t table_of(std::uint32_t group);

  const Layout& layout_;
  std::uint32_t group_ = ~0U;
  std::uint64_t table_ = 0;  // of that group; tables never move. 0: not known
  std::vector<std::byte> block_;
};

// Errors: kNotFound if it is not in use, damaged, or cannot be read.
Result<InodeBlocks> read_blocks_of(const Layout& layout, std::uint32_t inode);

// The names that a directory has for an inode, as it is now. Blocks that cannot be read have none.
std::vector<std::string> names_in(const Layout& layout, std::uint32_t directory, std::uint32_t inode);

}  // namespace pmend::rmap::ext4
