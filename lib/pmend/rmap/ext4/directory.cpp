// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/ext4/directory.hpp"

#include "pmend/rmap/ext4/bytes.hpp"

#include <ext2fs/ext2_fs.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace pmend::rmap::ext4 {
namespace {

constexpr std::size_t kEntryHeader = 8;  // up to the name
constexpr std::uint64_t kMostReadBytes = 256U << 10U;

bool is_self_or_parent(std::string_view name) {
  return name == "." || name == "..";
}

// Blocks of 64 KiB have a length that does not fit into 16 bits.
std::size_t length_of_entry(std::uint16_t raw, std::uint32_t block_bytes) {
  return block_bytes == 65536 && (raw == 65535 || raw == 0) ? block_bytes : raw;
}

// One block after the other: no entry crosses their borders.
void read_blocks(const Geometry& geometry, std::uint32_t directory, std::span<const std::byte> blocks,
                 std::vector<ParentLink>& links) {
  for (std::size_t at = 0; at < blocks.size(); at += geometry.block_bytes) {
    read_entries(geometry, directory, blocks.subspan(at, geometry.block_bytes), links);
  }
}

// All of one extent, in pieces; where a piece cannot be read, block by block.
void read_extent(const Layout& layout, const IndexedExtent& extent, std::span<std::byte> buffer, Damage& damage,
                 std::vector<ParentLink>& links) {
  const std::uint32_t size = layout.geometry.block_bytes;
  const auto directory = static_cast<std::uint32_t>(extent.inode);
  const std::uint64_t at_once = buffer.size() / size;
  for (std::uint64_t done = 0; done < extent.length; done += at_once) {
    const auto piece = buffer.first(std::min(at_once, extent.length - done) * size);
    if (layout.read(extent.device_block + done, piece)) {
      read_blocks(layout.geometry, directory, piece, links);
      continue;
    }
    for (std::uint64_t i = 0; i < piece.size() / size; ++i) {
      if (layout.read(extent.device_block + done + i, buffer.first(size))) {
        read_blocks(layout.geometry, directory, buffer.first(size), links);
      } else {
        damage.add("directory inode " + std::to_string(directory) + " has a block that cannot be read");
      }
    }
  }
}

template <class Visit>
void walk_entries(const Geometry& geometry, std::span<const std::byte> entries, const Visit& visit) {
  for (std::size_t at = 0; at + kEntryHeader <= entries.size();) {
    const auto inode = read_as<std::uint32_t>(entries, at + offsetof(ext2_dir_entry_2, inode));
    const std::size_t length = length_of_entry(
        read_as<std::uint16_t>(entries, at + offsetof(ext2_dir_entry_2, rec_len)), geometry.block_bytes);
    const auto name_length = static_cast<std::size_t>(entries[at + offsetof(ext2_dir_entry_2, name_len)]);
    if (length < kEntryHeader || length > entries.size() - at || kEntryHeader + name_length > length) {
      return;
    }
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    const std::string_view name(reinterpret_cast<const char*>(entries.data()) + at + kEntryHeader, name_length);
    if (inode != 0 && inode <= geometry.inodes() && name_length != 0 && !is_self_or_parent(name)) {
      visit(inode, name);
    }
    at += length;
  }
}

}  // namespace

void visit_entries(const Geometry& geometry, std::span<const std::byte> entries, const EntryVisit& visit) {
  walk_entries(geometry, entries, visit);
}

void read_entries(const Geometry& geometry, std::uint32_t directory, std::span<const std::byte> entries,
                  std::vector<ParentLink>& links) {
  walk_entries(geometry, entries, [&](std::uint32_t inode, std::string_view) { links.push_back({inode, directory}); });
}

bool read_directories(const Layout& layout, std::vector<IndexedExtent> directories, const std::function<bool()>& stop,
                      Damage& damage, std::vector<ParentLink>& links) {
  constexpr std::size_t kBetweenStops = 64;
  std::ranges::sort(directories, {}, &IndexedExtent::device_block);
  std::vector<std::byte> buffer(std::max<std::uint64_t>(kMostReadBytes, layout.geometry.block_bytes));
  std::uint64_t unread = 0;  // the first block that no extent before had
  for (std::size_t i = 0; i < directories.size(); ++i) {
    if (i % kBetweenStops == 0 && stop && stop()) {
      return false;
    }
    IndexedExtent extent = directories[i];
    const std::uint64_t end = extent.device_block + extent.length;
    extent.device_block = std::max(extent.device_block, unread);
    if (extent.device_block < end) {
      extent.length = end - extent.device_block;
      read_extent(layout, extent, buffer, damage, links);
      unread = end;
    }
  }
  return true;
}

}  // namespace pmend::rmap::ext4
