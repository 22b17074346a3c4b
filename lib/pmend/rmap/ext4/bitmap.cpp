// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/ext4/bitmap.hpp"

#include "pmend/rmap/ext4/crc32c.hpp"

#include <ext2fs/ext2_fs.h>

#include <algorithm>
#include <cstddef>
#include <limits>

namespace pmend::rmap::ext4 {
namespace {

constexpr int kBitmapTries = 3;  // bitmap and descriptor can be read just while they are written
constexpr std::size_t kWholeChecksum = offsetof(ext4_group_desc, bg_block_bitmap_csum_hi) + sizeof(std::uint16_t);

enum class BlockUse { kFree, kInUse, kDoubtful };

class Bitmaps {
 public:
  explicit Bitmaps(const Layout& layout) : layout_(layout), bitmap_(layout.geometry.block_bytes) {}

  BlockUse use_of(std::uint64_t block) {
    const Geometry& geometry = layout_.geometry;
    if (block < geometry.first_data_block || block >= geometry.blocks) {
      return BlockUse::kInUse;
    }
    const std::uint64_t number = (block - geometry.first_data_block) / geometry.blocks_per_group;
    const std::uint64_t bit = (block - geometry.first_data_block) % geometry.blocks_per_group / geometry.cluster_blocks;
    if (number != number_) {
      number_ = number;
      readable_ = read(static_cast<std::uint32_t>(number));
    }
    if (!readable_) {
      return BlockUse::kDoubtful;
    }
    // Where no block of the group was ever given away, fixed metadata in it is told by GETFSMAP.
    const bool free = group_.no_bitmap ||
                      (bit / 8 < bitmap_.size() && (static_cast<unsigned>(bitmap_[bit / 8]) >> (bit % 8) & 1U) == 0);
    return free ? BlockUse::kFree : BlockUse::kInUse;
  }

  const std::string& why_doubtful() const { return why_doubtful_; }

 private:
  bool read(std::uint32_t number) {
    Status done;
    for (int i = 0; i < kBitmapTries; ++i) {
      const auto group = layout_.read_group(number);
      done = group ? read_bitmap(*group, number) : tl::make_unexpected(group.error());
      if (done) {
        return true;
      }
    }
    if (why_doubtful_.empty()) {
      why_doubtful_ = done.error().is(Errc::kCorrupt) ? done.error().what : done.error().message();
    }
    return false;
  }

  Status read_bitmap(const Group& group, std::uint32_t number) {
    group_ = group;
    if (group.no_bitmap) {
      return {};
    }
    if (const auto done = layout_.read(group.block_bitmap, bitmap_); !done) {
      return wrap(done.error(), "the block bitmap of group " + std::to_string(number));
    }
    return checksum_is_right() ? Status()
                               : Status(fail(Errc::kCorrupt, "the block bitmap of group " + std::to_string(number) +
                                                                 " has a wrong checksum"));
  }

  bool checksum_is_right() const {
    const Geometry& geometry = layout_.geometry;
    if (!geometry.checksums) {
      return true;
    }
    const std::size_t bytes = geometry.blocks_per_group / geometry.cluster_blocks / 8;
    const std::uint32_t sum = crc32c(geometry.checksum_seed, std::span(bitmap_).first(std::min(bytes, bitmap_.size())));
    const bool whole = geometry.descriptor_bytes >= kWholeChecksum;
    return (whole ? sum : sum & 0xFFFFU) == group_.bitmap_checksum;
  }

  const Layout& layout_;
  std::vector<std::byte> bitmap_;
  std::uint64_t number_ = std::numeric_limits<std::uint64_t>::max();  // of the group whose bitmap that is
  Group group_;
  bool readable_ = false;
  std::string why_doubtful_;
};

}  // namespace

FreeSpace free_of(const Layout& layout, const RangeSet& bytes) {
  const std::uint64_t size = layout.geometry.block_bytes;
  Bitmaps bitmaps(layout);
  FreeSpace space;
  for (const ByteRange& range : bytes.ranges()) {
    for (std::uint64_t block = range.offset / size; block * size < range.end(); ++block) {
      const BlockUse use = bitmaps.use_of(block);
      if (use != BlockUse::kInUse) {
        (use == BlockUse::kFree ? space.free : space.doubtful).insert(*intersect(range, {block * size, size}));
      }
    }
  }
  space.why = bitmaps.why_doubtful();
  return space;
}

}  // namespace pmend::rmap::ext4
