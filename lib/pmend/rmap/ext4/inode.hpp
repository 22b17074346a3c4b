// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/ext4/layout.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace pmend::rmap::ext4 {

enum class MapKind {
  kNone,      // nothing outside of the inode: devices, short symbolic links, contents in the inode
  kExtents,   // the root of an extent tree
  kPointers,  // 12 blocks and three trees of indirect blocks
};

// What an inode says of its blocks.
struct Inode {
  static constexpr std::size_t kMapBytes = 60;

  std::uint32_t number = 0;
  std::uint32_t generation = 0;
  std::uint32_t checksum_seed = 0;  // of its extent tree
  std::uint16_t mode = 0;           // with the file type, as st_mode
  std::uint16_t links = 0;          // 0: no name is left: open when that was written, or just being freed
  bool directory = false;
  bool hidden = false;  // the kernel does not let anybody open it
  MapKind map_kind = MapKind::kNone;
  bool names_inside = false;               // a directory whose entries are in `map`
  std::array<std::byte, kMapBytes> map{};  // i_block
  std::uint64_t attribute_block = 0;       // 0: none
};

enum class InodeState { kUnused, kUsed, kDamaged };

// Decodes one inode out of an inode table. Those that are in use, deleted but open, or just being freed are kUsed.
// kDamaged: its checksum is wrong, which a read while it is written can cause too. `bytes` are changed and put back.
InodeState decode_inode(const Geometry& geometry, std::uint32_t number, std::span<std::byte> bytes, Inode& inode);

}  // namespace pmend::rmap::ext4
