// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/rmap/ext4/damage.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// Where ext2, ext3 and ext4 keep their inodes (Linux Documentation/filesystems/ext4), read through the page cache of
// the block device. That is where the mounted file system has its metadata too, so this is what it is at this moment;
// direct reads would be stale (docs/reverse-map.md).
namespace pmend::rmap::ext4 {

// What the superblock says, every number checked: no later arithmetic with them overflows or leaves the device.
struct Geometry {
  std::uint32_t block_bytes = 0;  // 1024 to 65536
  std::uint64_t blocks = 0;       // all lie on the device
  std::uint32_t first_data_block = 0;
  std::uint32_t blocks_per_group = 0;
  std::uint32_t groups = 0;
  std::uint32_t inodes_per_group = 0;
  std::uint32_t inode_bytes = 0;   // a power of two, no more than a block
  std::uint32_t first_inode = 0;   // those before are reserved
  std::uint32_t orphan_inode = 0;  // of a hidden file, 0: none
  std::uint32_t cluster_blocks = 0;
  bool tells_unused = false;  // inodes that were never used are told, and may be anything
  bool checksums = false;     // of all metadata
  std::uint32_t checksum_seed = 0;
  bool needs_recovery = false;         // the newest changes are in the journal only, unless it is mounted
  std::uint32_t descriptor_bytes = 0;  // of one group

  std::uint64_t inode_table_blocks() const;  // of one group
  std::uint64_t inodes() const { return std::uint64_t{groups} * inodes_per_group; }
  // The kernel does not let anybody open these by handle.
  bool is_hidden(std::uint32_t inode) const;
};

// An inode of the file system itself, which may have blocks of fixed metadata: all up to the first for files but the
// root.
bool is_reserved(std::uint64_t inode);

struct Group {
  std::uint64_t inode_table = 0;  // first block
  std::uint64_t block_bitmap = 0;
  std::uint32_t bitmap_checksum = 0;  // of the block bitmap; the upper half is 0 in small descriptors
  bool no_bitmap = false;             // because none of its blocks was ever in use
  std::uint32_t inodes = 0;           // that may be in use, from the first one of the group
};

struct Layout {
  int fd = -1;  // of the block device, or of an image of one; borrowed
  Geometry geometry;
  std::vector<Group> groups;                     // none after read_superblock()
  std::vector<std::uint64_t> descriptor_blocks;  // with the descriptors of groups, in their order

  // Reads whole blocks. Errors: the errno; kInvalid if they are not all on the file system.
  Status read(std::uint64_t first_block, std::span<std::byte> blocks) const;
  // One of the groups as it is now. Errors: those of reading; kCorrupt if it cannot be believed.
  Result<Group> read_group(std::uint32_t number) const;
  // As it was read before, if it was.
  Result<Group> group(std::uint32_t number) const;
};

// What is needed to look at a few inodes. Errors: the errno; kCorrupt if there is no superblock to go by.
Result<Layout> read_superblock(int fd);

// All groups too. Those that cannot be read or believed have no inodes and are told in `damage`.
// Errors: as read_superblock().
Result<Layout> read_layout(int fd, Damage& damage);

}  // namespace pmend::rmap::ext4
