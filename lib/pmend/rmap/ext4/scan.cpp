// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/ext4/scan.hpp"

#include "pmend/rmap/ext4/directory.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace pmend::rmap::ext4 {
namespace {

// Fits the caches of a processor together with what is made of it.
constexpr std::uint64_t kChunkBytes = 256U << 10U;
constexpr int kInodeTries = 3;               // one can be read just while it is written
constexpr std::size_t kInlineEntriesAt = 4;  // behind the number of the parent

// Looks at inodes of one group after the other.
class InodeTables {
 public:
  using Visit = std::function<void(const Inode&)>;

  InodeTables(const Layout& layout, const Visit& visit, Damage& damage)
      : layout_(layout), geometry_(layout.geometry), visit_(visit), damage_(damage), reader_(layout) {}

  void read_group(std::uint32_t group) {
    chunk_.resize(std::max<std::uint64_t>(kChunkBytes, geometry_.block_bytes));
    const std::uint64_t in_block = geometry_.block_bytes / geometry_.inode_bytes;
    const std::uint64_t blocks = (layout_.groups[group].inodes + in_block - 1) / in_block;
    const std::uint64_t at_once = chunk_.size() / geometry_.block_bytes;
    for (std::uint64_t done = 0; done < blocks; done += at_once) {
      const std::uint64_t count = std::min(at_once, blocks - done);
      if (!read_blocks(group, done, count)) {
        for (std::uint64_t i = 0; i < count; ++i) {
          read_block_alone(group, done + i);
        }
      }
    }
  }

 private:
  bool read_blocks(std::uint32_t group, std::uint64_t first, std::uint64_t count) {
    const auto bytes = std::span(chunk_).first(count * geometry_.block_bytes);
    if (!layout_.read(layout_.groups[group].inode_table + first, bytes)) {
      return false;
    }
    const std::uint64_t first_inode = first * geometry_.block_bytes / geometry_.inode_bytes;
    const std::uint64_t end =
        std::min<std::uint64_t>(layout_.groups[group].inodes, first_inode + bytes.size() / geometry_.inode_bytes);
    for (std::uint64_t i = first_inode; i < end; ++i) {
      const auto number = static_cast<std::uint32_t>(std::uint64_t{group} * geometry_.inodes_per_group + i + 1);
      take(number, bytes.subspan((i - first_inode) * geometry_.inode_bytes, geometry_.inode_bytes));
    }
    return true;
  }

  void read_block_alone(std::uint32_t group, std::uint64_t block) {
    if (!read_blocks(group, block, 1)) {
      damage_.add("block " + std::to_string(block) + " of the inode table of group " + std::to_string(group) +
                  " cannot be read");
    }
  }

  void take(std::uint32_t number, std::span<std::byte> bytes) {
    InodeState state = decode_inode(geometry_, number, bytes, inode_);
    if (state == InodeState::kDamaged) {
      state = reader_.read(number, inode_);
    }
    if (state == InodeState::kUsed) {
      visit_(inode_);
    } else if (state == InodeState::kDamaged) {
      damage_.add("inode " + std::to_string(number) + " has a wrong checksum");
    }
  }

  const Layout& layout_;
  const Geometry& geometry_;
  const Visit& visit_;
  Damage& damage_;
  std::vector<std::byte> chunk_;
  InodeReader reader_;
  Inode inode_;
};

}  // namespace

ScanReport scan(const Layout& layout, const ScanOptions& options, Damage damage) {
  ScanReport report;
  report.damage = std::move(damage);
  BlockMaps maps(layout, options.sink, report.damage);
  const InodeTables::Visit visit = [&](const Inode& inode) {
    ++report.inodes;
    maps.add(inode);
    if (inode.names_inside) {
      read_entries(layout.geometry, inode.number, std::span(inode.map).subspan(kInlineEntriesAt), report.links);
    }
  };
  InodeTables tables(layout, visit, report.damage);
  for (std::uint32_t group = 0; group < layout.groups.size() && !report.stopped; ++group) {
    tables.read_group(group);
    report.stopped = options.stop && options.stop();
  }
  report.stopped = report.stopped || !maps.finish(options.stop);
  if (!report.stopped && options.wants_links && options.wants_links()) {
    report.stopped = !read_directories(layout, maps.directories(), options.stop, report.damage, report.links);
  }
  return report;
}

std::uint64_t InodeReader::table_of(std::uint32_t group) {
  if (group != group_ || table_ == 0) {
    const auto found = layout_.group(group);
    group_ = group;
    table_ = found ? found->inode_table : 0;
  }
  return table_;
}

InodeState InodeReader::read(std::uint32_t number, Inode& inode) {
  const Geometry& geometry = layout_.geometry;
  const std::uint64_t offset = std::uint64_t{(number - 1) % geometry.inodes_per_group} * geometry.inode_bytes;
  block_.resize(geometry.block_bytes);
  InodeState state = InodeState::kDamaged;
  for (int i = 0; i < kInodeTries && state == InodeState::kDamaged; ++i) {
    const std::uint64_t table = table_of((number - 1) / geometry.inodes_per_group);
    if (table != 0 && layout_.read(table + offset / geometry.block_bytes, block_)) {
      state = decode_inode(geometry, number,
                           std::span(block_).subspan(offset % geometry.block_bytes, geometry.inode_bytes), inode);
    }
  }
  return state;
}

std::optional<Inode> InodeReader::read(std::uint32_t number) {
  Inode inode;
  const bool exists = number != 0 && number <= layout_.geometry.inodes();
  return exists && read(number, inode) == InodeState::kUsed ? std::optional(inode) : std::nullopt;
}

Result<InodeBlocks> read_blocks_of(const Layout& layout, std::uint32_t inode_number) {
  const auto inode = InodeReader(layout).read(inode_number);
  if (!inode) {
    return fail(Errc::kNotFound, "inode " + std::to_string(inode_number));
  }
  InodeBlocks blocks;
  blocks.inode = *inode;
  blocks.hidden = inode->hidden;
  blocks.block_bytes = layout.geometry.block_bytes;
  Damage damage;
  BlockMaps maps(
      layout, [&blocks](const IndexedExtent& extent) { blocks.extents.push_back(extent); }, damage);
  maps.add(*inode);
  maps.finish({});
  return blocks;
}

std::vector<std::string> names_in(const Layout& layout, std::uint32_t directory, std::uint32_t inode) {
  std::vector<std::string> names;
  const auto blocks = read_blocks_of(layout, directory);
  if (!blocks || !blocks->inode.directory) {
    return names;
  }
  const EntryVisit take = [&](std::uint32_t entry, std::string_view name) {
    if (entry == inode) {
      names.emplace_back(name);
    }
  };
  if (blocks->inode.names_inside) {
    visit_entries(layout.geometry, std::span(blocks->inode.map).subspan(kInlineEntriesAt), take);
  }
  std::vector<std::byte> block(layout.geometry.block_bytes);
  for (const IndexedExtent& extent : blocks->extents) {
    for (std::uint64_t i = 0; i < (extent.role == ExtentRole::kData ? extent.length : 0); ++i) {
      if (layout.read(extent.device_block + i, block)) {
        visit_entries(layout.geometry, block, take);
      }
    }
  }
  return names;
}

}  // namespace pmend::rmap::ext4
