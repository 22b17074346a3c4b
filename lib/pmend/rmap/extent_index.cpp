// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/extent_index.hpp"

#include "pmend/rmap/radix_sort.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace pmend::rmap {
namespace {

using Leaf = ExtentIndex::Leaf;
using Wide = ExtentIndex::Wide;

constexpr unsigned kLengthBits = 16;
constexpr unsigned kRoleBits = 2;
constexpr std::uint64_t kRoleMask = (1U << kRoleBits) - 1;
constexpr unsigned kInodeLowBits = 32;
constexpr std::uint64_t kMost32 = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kMostInodeHigh = 0xFF >> kRoleBits;

struct Built {
  std::vector<std::uint64_t> reaches;
  std::vector<Leaf> leaves;
  std::vector<Wide> wide;
};

std::uint64_t block_of(const Wide& piece) {
  return piece.block_and_length >> kLengthBits;
}

std::uint64_t length_of(const Wide& piece) {
  return piece.block_and_length & kMostPieceBlocks;
}

bool fits_a_leaf(const Wide& piece) {
  return piece.file_block <= kMost32 && piece.inode_and_role >> (kRoleBits + kInodeLowBits) <= kMostInodeHigh;
}

void put(Leaf& leaf, std::size_t at, const Wide& piece) {
  const std::uint64_t inode = piece.inode_and_role >> kRoleBits;
  leaf.block[at] = static_cast<std::uint32_t>(block_of(piece) - leaf.base);
  leaf.inode[at] = static_cast<std::uint32_t>(inode);
  leaf.file_block[at] = static_cast<std::uint32_t>(piece.file_block);
  leaf.length[at] = static_cast<std::uint16_t>(length_of(piece));
  leaf.high[at] = static_cast<std::uint8_t>((inode >> kInodeLowBits) << kRoleBits | (piece.inode_and_role & kRoleMask));
}

IndexedExtent take(const Leaf& leaf, std::size_t at) {
  IndexedExtent extent;
  extent.device_block = leaf.base + leaf.block[at];
  extent.length = leaf.length[at];
  extent.inode = std::uint64_t{leaf.high[at]} >> kRoleBits << kInodeLowBits | leaf.inode[at];
  extent.file_block = leaf.file_block[at];
  extent.role = static_cast<ExtentRole>(leaf.high[at] & kRoleMask);
  return extent;
}

void append(Built& built, std::size_t& in_leaf, const Wide& piece) {
  const std::uint64_t block = block_of(piece);
  if (built.leaves.empty() || in_leaf == ExtentIndex::kLeafExtents || block - built.leaves.back().base > kMost32) {
    built.reaches.push_back(built.reaches.empty() ? 0 : built.reaches.back());
    built.leaves.emplace_back().base = block;
    in_leaf = 0;
  }
  put(built.leaves.back(), in_leaf++, piece);
  built.reaches.back() = std::max(built.reaches.back(), block + length_of(piece));
}

}  // namespace

IndexedExtent ExtentIndexBuilder::to_extent(const Wide& piece) {
  return {block_of(piece), length_of(piece), piece.inode_and_role >> kRoleBits, piece.file_block,
          static_cast<ExtentRole>(piece.inode_and_role & kRoleMask)};
}

void ExtentIndexBuilder::add(const IndexedExtent& extent) {
  if (extent.device_block >= kMostDeviceBlocks || extent.length > kMostDeviceBlocks - extent.device_block ||
      extent.inode >> (64U - kRoleBits) != 0) {
    return;
  }
  for (std::uint64_t done = 0; done < extent.length; done += kMostPieceBlocks) {
    const std::uint64_t length = std::min(extent.length - done, kMostPieceBlocks);
    pieces_.push_back({(extent.device_block + done) << kLengthBits | length,
                       extent.inode << kRoleBits | static_cast<std::uint64_t>(extent.role),
                       extent.role == ExtentRole::kData ? extent.file_block + done : 0});
  }
}

ExtentIndex ExtentIndexBuilder::build() && {
  radix_sort(pieces_, block_of);
  const auto built = std::make_shared<Built>();
  built->leaves.reserve(pieces_.size() / ExtentIndex::kLeafExtents + 1);
  built->reaches.reserve(pieces_.size() / ExtentIndex::kLeafExtents + 1);
  std::size_t in_leaf = 0;
  for (const Wide& piece : pieces_) {
    if (fits_a_leaf(piece)) {
      append(*built, in_leaf, piece);
    } else {
      built->wide.push_back(piece);
    }
  }
  const std::size_t pieces = pieces_.size();
  std::vector<Wide>().swap(pieces_);
  return {built, built->reaches, built->leaves, built->wide, pieces};
}

ExtentIndex::ExtentIndex(std::shared_ptr<const void> keep, std::span<const std::uint64_t> reaches,
                         std::span<const Leaf> leaves, std::span<const Wide> wide, std::size_t pieces)
    : keep_(std::move(keep)), reaches_(reaches), leaves_(leaves), wide_(wide), pieces_(pieces) {}

void ExtentIndex::find(std::uint64_t first_block, std::uint64_t blocks, std::vector<IndexedExtent>& found) const {
  const std::uint64_t end = first_block + std::min(blocks, std::numeric_limits<std::uint64_t>::max() - first_block);
  const auto reached = std::ranges::upper_bound(reaches_, first_block);
  for (auto i = static_cast<std::size_t>(reached - reaches_.begin()); i < leaves_.size(); ++i) {
    const Leaf& leaf = leaves_[i];
    if (leaf.base >= end) {
      break;
    }
    for (std::size_t at = 0; at < kLeafExtents; ++at) {
      const std::uint64_t start = leaf.base + leaf.block[at];
      if (start < end && start + leaf.length[at] > first_block && leaf.length[at] != 0) {
        found.push_back(take(leaf, at));
      }
    }
  }
  if (!wide_.empty()) {
    find_wide(first_block, end, found);
  }
}

void ExtentIndex::find_wide(std::uint64_t first_block, std::uint64_t end, std::vector<IndexedExtent>& found) const {
  // No piece that begins earlier is long enough.
  const std::uint64_t earliest = first_block < kMostPieceBlocks ? 0 : first_block - kMostPieceBlocks;
  for (auto piece = std::ranges::lower_bound(wide_, earliest, {}, block_of);
       piece != wide_.end() && block_of(*piece) < end; ++piece) {
    if (block_of(*piece) + length_of(*piece) > first_block) {
      found.push_back(ExtentIndexBuilder::to_extent(*piece));
    }
  }
}

}  // namespace pmend::rmap
