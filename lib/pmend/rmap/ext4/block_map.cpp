// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/ext4/block_map.hpp"

#include "pmend/rmap/ext4/bytes.hpp"
#include "pmend/rmap/ext4/crc32c.hpp"

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext3_extents.h>

#include <algorithm>
#include <string>
#include <utility>

namespace pmend::rmap::ext4 {
namespace {

constexpr std::size_t kHeader = sizeof(ext3_extent_header);
constexpr std::size_t kEntry = sizeof(ext3_extent);
static_assert(kEntry == sizeof(ext3_extent_idx));
constexpr unsigned kMostHeight = 5;  // EXT4_MAX_EXTENT_DEPTH
constexpr int kTries = 3;            // a block can be read just while it is written
constexpr std::size_t kPointer = sizeof(std::uint32_t);

// Files without an extent tree end here, and so do all numbers of blocks in files.
constexpr std::uint64_t kMostFileBlocks = 1ULL << 32U;

bool is_header(std::span<const std::byte> bytes, const ext3_extent_header& header) {
  return header.eh_magic == EXT3_EXT_MAGIC && header.eh_depth <= kMostHeight && header.eh_entries <= header.eh_max &&
         kHeader + std::size_t{header.eh_max} * kEntry <= bytes.size();
}

}  // namespace

void BlockMaps::add(const Inode& inode) {
  Node root;
  root.inode = inode.number;
  root.checksum_seed = inode.checksum_seed;
  root.kind = inode.map_kind;
  root.directory = inode.directory;
  if (inode.attribute_block != 0) {
    if (is_on_device(inode.attribute_block, 1)) {
      sink_({inode.attribute_block, 1, inode.number, 0, ExtentRole::kAttributes});
    } else {
      damaged(root, "has attributes outside of the device");
    }
  }
  if (inode.map_kind == MapKind::kPointers) {
    add_pointer_roots(inode, root);
    return;
  }
  if (inode.map_kind == MapKind::kNone) {
    return;
  }
  const auto header = read_as<ext3_extent_header>(inode.map, 0);
  if (!is_header(inode.map, header)) {
    return damaged(root, "has no extent tree");
  }
  root.height = static_cast<std::uint8_t>(header.eh_depth);
  take_extents(root, inode.map);
}

bool BlockMaps::finish(const std::function<bool()>& stop) {
  constexpr std::size_t kBetweenStops = 64;
  while (!pending_.empty()) {
    std::vector<Node> level = std::exchange(pending_, {});
    std::ranges::sort(level, {}, &Node::block);
    for (std::size_t i = 0; i < level.size(); ++i) {
      if (i % kBetweenStops == 0 && stop && stop()) {
        return false;
      }
      read(level[i]);
    }
  }
  return true;
}

void BlockMaps::read(const Node& node) {
  if (node.kind == MapKind::kExtents) {
    for (int i = 0; i < kTries; ++i) {
      if (read_extents(node)) {
        return;
      }
    }
    return damaged(node, "has a block in its extent tree that is none or cannot be read");
  }
  if (const auto read = layout_.read(node.block, block_); !read) {
    return damaged(node, "has an indirect block that cannot be read");
  }
  take_pointers(node, block_);
}

bool BlockMaps::read_extents(const Node& node) {
  if (!layout_.read(node.block, block_) || !node_is_right(node)) {
    return false;
  }
  take_extents(node, block_);
  return true;
}

bool BlockMaps::node_is_right(const Node& node) const {
  const auto header = read_as<ext3_extent_header>(block_, 0);
  if (!is_header(block_, header) || header.eh_depth != node.height) {
    return false;
  }
  const std::size_t tail = kHeader + std::size_t{header.eh_max} * kEntry;
  return !layout_.geometry.checksums || (tail + sizeof(ext3_extent_tail) <= block_.size() &&
                                         crc32c(node.checksum_seed, std::span(block_).first(tail)) ==
                                             read_as<ext3_extent_tail>(block_, tail).et_checksum);
}

void BlockMaps::take_extents(const Node& node, std::span<const std::byte> bytes) {
  const auto header = read_as<ext3_extent_header>(bytes, 0);
  for (std::size_t i = 0; i < header.eh_entries; ++i) {
    const std::size_t at = kHeader + i * kEntry;
    if (node.height == 0) {
      const auto raw = read_as<ext3_extent>(bytes, at);
      const std::uint64_t length =
          raw.ee_len > EXT_INIT_MAX_LEN ? raw.ee_len - EXT_INIT_MAX_LEN : std::uint64_t{raw.ee_len};
      tell(node, std::uint64_t{raw.ee_start_hi} << 32U | raw.ee_start, length, raw.ee_block);
      continue;
    }
    const auto raw = read_as<ext3_extent_idx>(bytes, at);
    Node below = node;
    below.block = std::uint64_t{raw.ei_leaf_hi} << 32U | raw.ei_leaf;
    below.height = static_cast<std::uint8_t>(node.height - 1);
    add_node(below);
  }
}

void BlockMaps::add_pointer_roots(const Inode& inode, const Node& root) {
  const std::uint64_t in_block = block_.size() / kPointer;
  Node node = root;
  node.height = 1;
  take_pointers(node, std::span(inode.map).first(EXT2_NDIR_BLOCKS * kPointer));
  node.file_block = EXT2_NDIR_BLOCKS;
  std::uint64_t below = in_block;
  for (std::size_t i = EXT2_IND_BLOCK; i <= EXT2_TIND_BLOCK; ++i) {
    node.block = read_as<std::uint32_t>(inode.map, i * kPointer);
    if (node.block != 0) {
      add_node(node);
    }
    node.file_block += below;
    below *= in_block;
    ++node.height;
  }
}

void BlockMaps::take_pointers(const Node& node, std::span<const std::byte> pointers) {
  const std::uint64_t in_block = block_.size() / kPointer;
  std::uint64_t step = 1;
  for (unsigned i = 1; i < node.height; ++i) {
    step *= in_block;
  }
  std::uint64_t run_block = 0;
  std::uint64_t run_length = 0;
  std::uint64_t run_file_block = 0;
  for (std::size_t i = 0; i < pointers.size() / kPointer; ++i) {
    const std::uint64_t block = read_as<std::uint32_t>(pointers, i * kPointer);
    const std::uint64_t file_block = node.file_block + i * step;
    if (node.height > 1) {
      Node below = node;
      below.block = block;
      below.file_block = file_block;
      below.height = static_cast<std::uint8_t>(node.height - 1);
      if (block != 0) {
        add_node(below);
      }
    } else if (block != 0 && run_length != 0 && block == run_block + run_length &&
               file_block == run_file_block + run_length) {
      ++run_length;
    } else if (block != 0) {
      if (run_length != 0) {
        tell(node, run_block, run_length, run_file_block);
      }
      run_block = block;
      run_length = 1;
      run_file_block = file_block;
    }
  }
  if (run_length != 0) {
    tell(node, run_block, run_length, run_file_block);
  }
}

void BlockMaps::add_node(Node node) {
  if (!is_on_device(node.block, 1)) {
    return damaged(node, "has a block of its block map outside of the device");
  }
  if (!seen_.insert(node.block).second) {
    return damaged(node, "has a block of its block map that was met before");
  }
  sink_({node.block, 1, node.inode, 0, ExtentRole::kMap});
  pending_.push_back(node);
}

void BlockMaps::tell(const Node& node, std::uint64_t block, std::uint64_t length, std::uint64_t file_block) {
  if (length == 0 || !is_on_device(block, length) || file_block + length > kMostFileBlocks) {
    return damaged(node, "has an extent that no file can have");
  }
  const IndexedExtent extent{block, length, node.inode, file_block, ExtentRole::kData};
  sink_(extent);
  if (node.directory) {
    directories_.push_back(extent);
  }
}

void BlockMaps::damaged(const Node& node, const char* what) {
  damage_.add("inode " + std::to_string(node.inode) + " " + what);
}

bool BlockMaps::is_on_device(std::uint64_t block, std::uint64_t length) const {
  const Geometry& geometry = layout_.geometry;
  return block >= geometry.first_data_block && block < geometry.blocks && length <= geometry.blocks - block &&
         block != 0;
}

}  // namespace pmend::rmap::ext4
