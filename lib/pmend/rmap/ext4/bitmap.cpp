// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/ext4/bitmap.hpp"

#include <algorithm>
#include <limits>

namespace pmend::rmap::ext4 {
namespace {

class Bitmaps {
 public:
  explicit Bitmaps(const Layout& layout) : layout_(layout), bitmap_(layout.geometry.block_bytes) {}

  bool is_free(std::uint64_t block) {
    const Geometry& geometry = layout_.geometry;
    if (block < geometry.first_data_block || block >= geometry.blocks) {
      return false;
    }
    const std::uint64_t group = (block - geometry.first_data_block) / geometry.blocks_per_group;
    const std::uint64_t bit = (block - geometry.first_data_block) % geometry.blocks_per_group / geometry.cluster_blocks;
    if (layout_.groups[group].no_bitmap) {
      return true;  // no block of the group was ever given away; fixed metadata in it is told by GETFSMAP
    }
    if (group != group_) {
      group_ = layout_.read(layout_.groups[group].block_bitmap, bitmap_) ? group : kNoGroup;
    }
    return group == group_ && bit / 8 < bitmap_.size() &&
           (static_cast<unsigned>(bitmap_[bit / 8]) >> (bit % 8) & 1U) == 0;
  }

 private:
  static constexpr std::uint64_t kNoGroup = std::numeric_limits<std::uint64_t>::max();

  const Layout& layout_;
  std::vector<std::byte> bitmap_;
  std::uint64_t group_ = kNoGroup;  // whose bitmap that is
};

}  // namespace

RangeSet free_of(const Layout& layout, const RangeSet& bytes) {
  const std::uint64_t size = layout.geometry.block_bytes;
  Bitmaps bitmaps(layout);
  RangeSet free;
  for (const ByteRange& range : bytes.ranges()) {
    for (std::uint64_t block = range.offset / size; block * size < range.end(); ++block) {
      if (bitmaps.is_free(block)) {
        free.insert(*intersect(range, {block * size, size}));
      }
    }
  }
  return free;
}

}  // namespace pmend::rmap::ext4
