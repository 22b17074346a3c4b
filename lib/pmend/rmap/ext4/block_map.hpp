// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/ext4/inode.hpp"
#include "pmend/rmap/extent_index.hpp"

#include <cstdint>
#include <functional>
#include <unordered_set>
#include <vector>

namespace pmend::rmap::ext4 {

using ExtentSink = std::function<void(const IndexedExtent&)>;

// Where inodes have their blocks: extent trees and indirect blocks. Blocks of trees are read once each, in order of
// place, whatever they say: a tree cannot make this run in circles or longer than the device is.
class BlockMaps {
 public:
  BlockMaps(const Layout& layout, ExtentSink sink, Damage& damage)
      : layout_(layout), sink_(std::move(sink)), damage_(damage), block_(layout.geometry.block_bytes) {}

  // Tells what is in the inode, and keeps in mind what has to be read.
  void add(const Inode& inode);
  // Reads that, until `stop` says so; false if it did.
  bool finish(const std::function<bool()>& stop);
  // The blocks of directories, in no order.
  const std::vector<IndexedExtent>& directories() const { return directories_; }

 private:
  // A block of a tree.
  struct Node {
    std::uint64_t block = 0;
    std::uint32_t inode = 0;
    std::uint32_t checksum_seed = 0;
    std::uint64_t file_block = 0;  // of pointers: of the first one below
    std::uint8_t height = 0;       // of extents: eh_depth; of pointers: 1 points to data
    MapKind kind = MapKind::kNone;
    bool directory = false;
  };

  void read(const Node& node);
  bool read_extents(const Node& node);
  bool node_is_right(const Node& node) const;
  void take_extents(const Node& node, std::span<const std::byte> header);
  void take_pointers(const Node& node, std::span<const std::byte> pointers);
  void add_pointer_roots(const Inode& inode, const Node& root);
  void add_node(Node node);
  void tell(const Node& node, std::uint64_t block, std::uint64_t length, std::uint64_t file_block);
  void damaged(const Node& node, const char* what);
  bool is_on_device(std::uint64_t block, std::uint64_t length) const;

  const Layout& layout_;
  ExtentSink sink_;
  Damage& damage_;
  std::vector<std::byte> block_;
  std::vector<Node> pending_;
  std::unordered_set<std::uint64_t> seen_;
  std::vector<IndexedExtent> directories_;
};

}  // namespace pmend::rmap::ext4
