// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace pmend::rmap {

enum class ExtentRole : std::uint8_t {
  kData,        // of the inode: a file's contents, a directory's names, a symbolic link's target
  kMap,         // extent tree or indirect block of the inode
  kAttributes,  // extended attributes
};

// Blocks of a device and whose they are. In blocks of the file system.
struct IndexedExtent {
  std::uint64_t device_block = 0;  // below kMostDeviceBlocks
  std::uint64_t length = 0;
  std::uint64_t inode = 0;       // below 2^62
  std::uint64_t file_block = 0;  // with kData
  ExtentRole role = ExtentRole::kData;

  friend auto operator<=>(const IndexedExtent&, const IndexedExtent&) = default;
};

inline constexpr std::uint64_t kMostDeviceBlocks = 1ULL << 48U;
// Longer extents are kept, and given back, in pieces of at most so many blocks.
inline constexpr std::uint64_t kMostPieceBlocks = 0xFFFF;

// Extents by device block, as many on one block as there are, in 15.5 bytes each. Read-only once it is built; copies
// share their memory.
class ExtentIndex {
 public:
  // One extent as it waits to be packed, and as it stays if its numbers are too large for a leaf.
  struct Wide {
    std::uint64_t block_and_length = 0;  // 48 and 16 bits
    std::uint64_t inode_and_role = 0;    // 62 and 2 bits
    std::uint64_t file_block = 0;
  };

  // Up to kLeafExtents extents of ascending block. Unused places have the length 0.
  static constexpr std::size_t kLeafExtents = 32;
  struct Leaf {
    std::uint64_t base = 0;
    std::array<std::uint32_t, kLeafExtents> block{};  // less base
    std::array<std::uint32_t, kLeafExtents> inode{};  // the low 32 bits
    std::array<std::uint32_t, kLeafExtents> file_block{};
    std::array<std::uint16_t, kLeafExtents> length{};
    std::array<std::uint8_t, kLeafExtents> high{};  // bits 32 to 37 of the inode; the role
  };

  ExtentIndex() = default;

  // Adds to `found` all pieces that overlap [first_block, first_block + blocks), in order of block but for those in
  // wide form, which come last.
  void find(std::uint64_t first_block, std::uint64_t blocks, std::vector<IndexedExtent>& found) const;

  std::size_t pieces() const { return pieces_; }
  std::uint64_t bytes() const { return reaches_.size_bytes() + leaves_.size_bytes() + wide_.size_bytes(); }

  // As it lies in a file, one after the other; all parts have an alignment of 8.
  std::span<const std::uint64_t> reaches() const { return reaches_; }
  std::span<const Leaf> leaves() const { return leaves_; }
  std::span<const Wide> wide() const { return wide_; }
  // Over memory of somebody else, which `keep` keeps. Whatever the bytes are, find() stays inside them; wrong ones make
  // wrong answers. `reaches` and `leaves` are as many.
  ExtentIndex(std::shared_ptr<const void> keep, std::span<const std::uint64_t> reaches, std::span<const Leaf> leaves,
              std::span<const Wide> wide, std::size_t pieces);

 private:
  void find_wide(std::uint64_t first_block, std::uint64_t end, std::vector<IndexedExtent>& found) const;

  std::shared_ptr<const void> keep_;
  std::span<const std::uint64_t> reaches_;  // of each leaf: where the extents up to and in it end at last
  std::span<const Leaf> leaves_;
  std::span<const Wide> wide_;  // by block_and_length
  std::size_t pieces_ = 0;
};

// Collects extents in any order.
class ExtentIndexBuilder {
 public:
  // What lies outside of the limits of IndexedExtent is left out: no file system that is supported can have it.
  void add(const IndexedExtent& extent);
  std::size_t pieces() const { return pieces_.size(); }
  // Leaves out what `keep` is false for.
  template <class Keep>
  void keep_only(const Keep& keep) {
    std::erase_if(pieces_, [&keep](const ExtentIndex::Wide& piece) { return !keep(to_extent(piece)); });
  }
  ExtentIndex build() &&;

  static IndexedExtent to_extent(const ExtentIndex::Wide& piece);

 private:
  std::vector<ExtentIndex::Wide> pieces_;
};

}  // namespace pmend::rmap
