// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/ext4/layout.hpp"

#include "pmend/base/unique_fd.hpp"
#include "pmend/rmap/ext4/bytes.hpp"
#include "pmend/rmap/ext4/crc32c.hpp"

#include <ext2fs/ext2_fs.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <string>

namespace pmend::rmap::ext4 {
namespace {

constexpr std::uint64_t kSuperblockOffset = 1024;
constexpr std::uint32_t kLeastBlocksPerGroup = 256;  // of mke2fs
constexpr std::uint32_t kMostBlockBytes = 65536;

std::span<const std::byte> as_bytes_of(const auto& value) {
  return std::as_bytes(std::span(&value, 1));
}

std::uint64_t ceiling(std::uint64_t dividend, std::uint64_t divisor) {
  return (dividend + divisor - 1) / divisor;
}

struct Superblock {
  ext2_super_block raw;

  bool incompatible(std::uint32_t bit) const { return (raw.s_feature_incompat & bit) != 0; }
  bool read_only_compatible(std::uint32_t bit) const { return (raw.s_feature_ro_compat & bit) != 0; }
  std::uint64_t blocks() const {
    const std::uint64_t high = incompatible(EXT4_FEATURE_INCOMPAT_64BIT) ? raw.s_blocks_count_hi : 0;
    return high << 32U | raw.s_blocks_count;
  }
  std::uint32_t descriptor_bytes() const {
    return incompatible(EXT4_FEATURE_INCOMPAT_64BIT) ? raw.s_desc_size : EXT2_MIN_DESC_SIZE;
  }
  std::uint32_t inode_bytes() const {
    return raw.s_rev_level == EXT2_GOOD_OLD_REV ? EXT2_GOOD_OLD_INODE_SIZE : raw.s_inode_size;
  }
  std::uint32_t seed() const {
    return incompatible(EXT4_FEATURE_INCOMPAT_CSUM_SEED) ? raw.s_checksum_seed : crc32c(~0U, as_bytes_of(raw.s_uuid));
  }
};

tl::unexpected<Error> no_superblock(const std::string& why) {
  return fail(Errc::kCorrupt, "superblock of ext4: " + why);
}

Status check_sizes(const Superblock& super) {
  const auto& raw = super.raw;
  if (raw.s_magic != EXT2_SUPER_MAGIC) {
    return no_superblock("not there");
  }
  const std::uint32_t inode_bytes = super.inode_bytes();
  const std::uint32_t descriptor_bytes = super.descriptor_bytes();
  if (raw.s_log_block_size > 6 || raw.s_log_cluster_size > 31 || raw.s_log_cluster_size < raw.s_log_block_size) {
    return no_superblock("the size of blocks");
  }
  const std::uint32_t block_bytes = std::uint32_t{EXT2_MIN_BLOCK_SIZE} << raw.s_log_block_size;
  if (!std::has_single_bit(inode_bytes) || inode_bytes < EXT2_GOOD_OLD_INODE_SIZE || inode_bytes > block_bytes) {
    return no_superblock("the size of inodes");
  }
  if (!std::has_single_bit(descriptor_bytes) || descriptor_bytes < EXT2_MIN_DESC_SIZE ||
      descriptor_bytes > std::min(block_bytes, 1024U)) {
    return no_superblock("the size of group descriptors");
  }
  if (raw.s_blocks_per_group < kLeastBlocksPerGroup || raw.s_inodes_per_group < block_bytes / inode_bytes ||
      raw.s_inodes_per_group > 8 * block_bytes) {
    return no_superblock("the size of groups");
  }
  return {};
}

Result<Geometry> to_geometry(const Superblock& super, std::uint64_t device_bytes) {
  if (const auto sizes = check_sizes(super); !sizes) {
    return tl::make_unexpected(sizes.error());
  }
  const auto& raw = super.raw;
  Geometry geometry;
  geometry.block_bytes = std::uint32_t{EXT2_MIN_BLOCK_SIZE} << raw.s_log_block_size;
  geometry.blocks = super.blocks();
  geometry.first_data_block = raw.s_first_data_block;
  geometry.blocks_per_group = raw.s_blocks_per_group;
  geometry.inodes_per_group = raw.s_inodes_per_group;
  geometry.inode_bytes = super.inode_bytes();
  geometry.first_inode = raw.s_rev_level == EXT2_GOOD_OLD_REV ? EXT2_GOOD_OLD_FIRST_INO : raw.s_first_ino;
  geometry.orphan_inode = raw.s_orphan_file_inum;
  geometry.cluster_blocks = super.read_only_compatible(EXT4_FEATURE_RO_COMPAT_BIGALLOC)
                                ? 1U << (raw.s_log_cluster_size - raw.s_log_block_size)
                                : 1;
  geometry.checksums = super.read_only_compatible(EXT4_FEATURE_RO_COMPAT_METADATA_CSUM);
  geometry.tells_unused = geometry.checksums || super.read_only_compatible(EXT4_FEATURE_RO_COMPAT_GDT_CSUM);
  geometry.checksum_seed = super.seed();
  geometry.needs_recovery = super.incompatible(EXT3_FEATURE_INCOMPAT_RECOVER);
  geometry.descriptor_bytes = super.descriptor_bytes();
  if (geometry.blocks > device_bytes / geometry.block_bytes || geometry.first_data_block >= geometry.blocks) {
    return no_superblock("it has more blocks than the device");
  }
  const std::uint64_t groups = ceiling(geometry.blocks - geometry.first_data_block, geometry.blocks_per_group);
  if (groups * geometry.inodes_per_group > 0xFFFFFFFFULL || groups * geometry.inodes_per_group != raw.s_inodes_count) {
    return no_superblock("the number of inodes");
  }
  geometry.groups = static_cast<std::uint32_t>(groups);
  return geometry;
}

bool is_power_of(std::uint32_t number, std::uint32_t base) {
  while (number % base == 0) {
    number /= base;
  }
  return number == 1;
}

// Where the blocks of group descriptors lie: together behind the superblock, or, with meta_bg, each in the first of the
// groups it describes.
class DescriptorPlaces {
 public:
  DescriptorPlaces(const Superblock& super, const Geometry& geometry) : super_(super), geometry_(geometry) {}

  std::uint64_t block_of(std::uint32_t number) const {
    const bool meta = super_.incompatible(EXT2_FEATURE_INCOMPAT_META_BG) && number >= super_.raw.s_first_meta_bg;
    if (!meta) {
      return std::uint64_t{geometry_.first_data_block} + 1 + number;
    }
    const std::uint64_t group = std::uint64_t{number} * (geometry_.block_bytes / super_.descriptor_bytes());
    return geometry_.first_data_block + group * geometry_.blocks_per_group +
           (has_superblock(static_cast<std::uint32_t>(group)) ? 1 : 0);
  }

 private:
  bool has_superblock(std::uint32_t group) const {
    if (group == 0) {
      return true;
    }
    if ((super_.raw.s_feature_compat & EXT4_FEATURE_COMPAT_SPARSE_SUPER2) != 0) {
      return group == super_.raw.s_backup_bgs[0] || group == super_.raw.s_backup_bgs[1];
    }
    return !super_.read_only_compatible(EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER) || group == 1 || is_power_of(group, 3) ||
           is_power_of(group, 5) || is_power_of(group, 7);
  }

  const Superblock& super_;
  const Geometry& geometry_;
};

bool descriptor_is_right(const Geometry& geometry, std::uint32_t group, std::span<const std::byte> descriptor) {
  if (!geometry.checksums) {
    return true;
  }
  constexpr std::size_t kAt = offsetof(ext4_group_desc, bg_checksum);
  constexpr std::uint16_t kZero = 0;
  std::uint32_t crc = crc32c(geometry.checksum_seed, as_bytes_of(group));
  crc = crc32c(crc, descriptor.first(kAt));
  crc = crc32c(crc, as_bytes_of(kZero));
  crc = crc32c(crc, descriptor.subspan(kAt + sizeof kZero));
  return static_cast<std::uint16_t>(crc) == read_as<std::uint16_t>(descriptor, kAt);
}

// Nothing where the descriptor cannot be right. What has no checksum is believed as far as it goes: an inode that is
// not looked at is never found, but none is made up.
std::optional<Group> to_group(const Geometry& geometry, std::uint32_t number, std::span<const std::byte> descriptor) {
  ext4_group_desc raw{};
  std::memcpy(&raw, descriptor.data(), std::min(descriptor.size(), sizeof raw));
  if (!descriptor_is_right(geometry, number, descriptor)) {
    return std::nullopt;
  }
  const std::uint64_t table = std::uint64_t{raw.bg_inode_table_hi} << 32U | raw.bg_inode_table;
  const std::uint64_t table_blocks = geometry.inode_table_blocks();
  if (table < geometry.first_data_block || table > geometry.blocks || table_blocks > geometry.blocks - table) {
    return std::nullopt;
  }
  Group group;
  group.inode_table = table;
  group.block_bitmap = std::uint64_t{raw.bg_block_bitmap_hi} << 32U | raw.bg_block_bitmap;
  group.bitmap_checksum = std::uint32_t{raw.bg_block_bitmap_csum_hi} << 16U | raw.bg_block_bitmap_csum_lo;
  group.inodes = geometry.inodes_per_group;
  if (geometry.tells_unused) {
    const std::uint32_t unused = std::uint32_t{raw.bg_itable_unused_hi} << 16U | raw.bg_itable_unused;
    const bool none = (raw.bg_flags & EXT2_BG_INODE_UNINIT) != 0 || unused > geometry.inodes_per_group;
    group.inodes = none ? 0 : geometry.inodes_per_group - unused;
    group.no_bitmap = (raw.bg_flags & EXT2_BG_BLOCK_UNINIT) != 0;
  }
  return group;
}

std::vector<std::uint64_t> descriptor_blocks(const Superblock& super, const Geometry& geometry) {
  const DescriptorPlaces places(super, geometry);
  const std::uint64_t count = ceiling(geometry.groups, geometry.block_bytes / geometry.descriptor_bytes);
  std::vector<std::uint64_t> blocks;
  blocks.reserve(count);
  for (std::uint32_t number = 0; number < count; ++number) {
    blocks.push_back(places.block_of(number));
  }
  return blocks;
}

void read_groups(Layout& layout, Damage& damage) {
  const Geometry& geometry = layout.geometry;
  const std::uint32_t size = geometry.descriptor_bytes;
  const std::uint32_t in_block = geometry.block_bytes / size;
  std::vector<std::byte> block(geometry.block_bytes);
  layout.groups.resize(geometry.groups);
  for (std::uint32_t group = 0; group < geometry.groups; ++group) {
    if (group % in_block == 0) {
      if (const auto read = layout.read(layout.descriptor_blocks[group / in_block], block); !read) {
        damage.add("group descriptors from " + std::to_string(group) + " on: " + read.error().message());
        std::ranges::fill(block, std::byte{0xFF});
      }
    }
    const auto descriptor = std::span<const std::byte>(block).subspan(std::size_t{group % in_block} * size, size);
    const auto found = to_group(geometry, group, descriptor);
    if (!found) {
      damage.add("the descriptor of group " + std::to_string(group) + " is wrong");
    }
    layout.groups[group] = found.value_or(Group{});
  }
}

}  // namespace

std::uint64_t Geometry::inode_table_blocks() const {
  return ceiling(std::uint64_t{inodes_per_group} * inode_bytes, block_bytes);
}

bool is_reserved(std::uint64_t inode) {
  return inode < EXT2_GOOD_OLD_FIRST_INO && inode != EXT2_ROOT_INO;
}

bool Geometry::is_hidden(std::uint32_t inode) const {
  return (inode < first_inode && inode != EXT2_ROOT_INO) || (orphan_inode != 0 && inode == orphan_inode);
}

Status Layout::read(std::uint64_t first_block, std::span<std::byte> blocks) const {
  const std::uint64_t count = blocks.size() / geometry.block_bytes;
  if (first_block > geometry.blocks || count > geometry.blocks - first_block) {
    return fail(Errc::kInvalid, "block " + std::to_string(first_block) + " is not on the file system");
  }
  return read_exactly(fd, blocks, first_block * geometry.block_bytes);
}

Result<Group> Layout::read_group(std::uint32_t number) const {
  const std::uint32_t in_block = geometry.block_bytes / geometry.descriptor_bytes;
  std::vector<std::byte> block(geometry.block_bytes);
  if (const auto done = read(descriptor_blocks.at(number / in_block), block); !done) {
    return tl::make_unexpected(done.error());
  }
  const auto at = std::size_t{number % in_block} * geometry.descriptor_bytes;
  const auto group =
      to_group(geometry, number, std::span<const std::byte>(block).subspan(at, geometry.descriptor_bytes));
  return group ? Result<Group>(*group)
               : fail(Errc::kCorrupt, "the descriptor of group " + std::to_string(number) + " is wrong");
}

Result<Group> Layout::group(std::uint32_t number) const {
  return groups.empty() ? read_group(number) : Result<Group>(groups.at(number));
}

Result<Layout> read_superblock(int fd) {
  const off_t device_bytes = lseek(fd, 0, SEEK_END);
  if (device_bytes < 0) {
    return fail_errno("lseek");
  }
  std::array<std::byte, sizeof(ext2_super_block)> bytes{};
  if (const auto read = read_exactly(fd, bytes, kSuperblockOffset); !read) {
    return wrap(read.error(), "superblock of ext4");
  }
  const Superblock super{read_as<ext2_super_block>(bytes, 0)};
  const auto geometry = to_geometry(super, static_cast<std::uint64_t>(device_bytes));
  if (!geometry) {
    return tl::make_unexpected(geometry.error());
  }
  Layout layout;
  layout.fd = fd;
  layout.geometry = *geometry;
  layout.descriptor_blocks = descriptor_blocks(super, *geometry);
  return layout;
}

Result<Layout> read_layout(int fd, Damage& damage) {
  auto layout = read_superblock(fd);
  if (layout) {
    read_groups(*layout, damage);
  }
  return layout;
}

}  // namespace pmend::rmap::ext4
