// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/ext4/inode.hpp"

#include "pmend/rmap/ext4/bytes.hpp"
#include "pmend/rmap/ext4/crc32c.hpp"

#include <ext2fs/ext2_fs.h>

#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace pmend::rmap::ext4 {
namespace {

constexpr std::size_t kLowChecksumAt = offsetof(ext2_inode_large, i_checksum_lo);
constexpr std::size_t kHighChecksumAt = offsetof(ext2_inode_large, i_checksum_hi);

template <class T>
T field(std::span<const std::byte> inode, std::size_t at) {
  return read_as<T>(inode, at);
}

std::uint16_t swap_out(std::span<std::byte> bytes, std::size_t at, std::uint16_t value) {
  const auto old = read_as<std::uint16_t>(bytes, at);
  std::memcpy(bytes.data() + at, &value, sizeof value);
  return old;
}

bool has_high_checksum(std::span<const std::byte> bytes) {
  return bytes.size() > EXT2_GOOD_OLD_INODE_SIZE &&
         field<std::uint16_t>(bytes, offsetof(ext2_inode_large, i_extra_isize)) >= EXT4_INODE_CSUM_HI_EXTRA_END;
}

bool checksum_is_right(std::uint32_t seed, std::span<std::byte> bytes) {
  const bool wide = has_high_checksum(bytes);
  const std::uint16_t low = swap_out(bytes, kLowChecksumAt, 0);
  const std::uint16_t high = wide ? swap_out(bytes, kHighChecksumAt, 0) : std::uint16_t{0};
  const std::uint32_t crc = crc32c(seed, bytes);
  swap_out(bytes, kLowChecksumAt, low);
  if (wide) {
    swap_out(bytes, kHighChecksumAt, high);
    return crc == (std::uint32_t{high} << 16U | low);
  }
  return (crc & 0xFFFFU) == low;
}

MapKind map_kind_of(std::uint16_t mode, std::uint32_t flags, std::uint64_t size) {
  if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISLNK(mode)) {
    // The list of bad blocks has no type of its own.
    return mode == 0 && (flags & EXT4_EXTENTS_FL) == 0 ? MapKind::kPointers : MapKind::kNone;
  }
  if ((flags & EXT4_INLINE_DATA_FL) != 0) {
    return MapKind::kNone;
  }
  if ((flags & EXT4_EXTENTS_FL) != 0) {
    return MapKind::kExtents;
  }
  return S_ISLNK(mode) && size < Inode::kMapBytes ? MapKind::kNone : MapKind::kPointers;
}

}  // namespace

InodeState decode_inode(const Geometry& geometry, std::uint32_t number, std::span<std::byte> bytes, Inode& inode) {
  const auto mode = field<std::uint16_t>(bytes, offsetof(ext2_inode_large, i_mode));
  const auto links = field<std::uint16_t>(bytes, offsetof(ext2_inode_large, i_links_count));
  const auto blocks = field<std::uint32_t>(bytes, offsetof(ext2_inode_large, i_blocks));
  if (mode == 0 && links == 0 && (number >= geometry.first_inode || blocks == 0)) {
    return InodeState::kUnused;
  }
  const auto generation = field<std::uint32_t>(bytes, offsetof(ext2_inode_large, i_generation));
  inode.number = number;
  inode.generation = generation;
  inode.mode = mode;
  inode.links = links;
  inode.checksum_seed = crc32c(crc32c(geometry.checksum_seed, std::as_bytes(std::span(&number, 1))),
                               std::as_bytes(std::span(&generation, 1)));
  if (geometry.checksums && !checksum_is_right(inode.checksum_seed, bytes)) {
    return InodeState::kDamaged;
  }
  const auto flags = field<std::uint32_t>(bytes, offsetof(ext2_inode_large, i_flags));
  const std::uint64_t size = std::uint64_t{field<std::uint32_t>(bytes, offsetof(ext2_inode_large, i_size_high))}
                                 << 32U |
                             field<std::uint32_t>(bytes, offsetof(ext2_inode_large, i_size));
  inode.directory = S_ISDIR(mode);
  inode.hidden = geometry.is_hidden(number) || (flags & EXT4_EA_INODE_FL) != 0;
  inode.map_kind = map_kind_of(mode, flags, size);
  inode.names_inside = inode.directory && (flags & EXT4_INLINE_DATA_FL) != 0;
  std::ranges::copy(bytes.subspan(offsetof(ext2_inode_large, i_block), Inode::kMapBytes), inode.map.begin());
  const auto acl_high = field<std::uint16_t>(bytes, offsetof(ext2_inode_large, osd2.linux2.l_i_file_acl_high));
  inode.attribute_block =
      std::uint64_t{acl_high} << 32U | field<std::uint32_t>(bytes, offsetof(ext2_inode_large, i_file_acl));
  return InodeState::kUsed;
}

}  // namespace pmend::rmap::ext4
