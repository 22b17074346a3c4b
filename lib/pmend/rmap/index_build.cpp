// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/index_build.hpp"

#include "pmend/rmap/ext4/scan.hpp"
#include "pmend/rmap/inode_walk.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace pmend::rmap {
namespace {

constexpr std::uint64_t kPackedBytes = 16;  // of a piece, at most

// Extents as they come, until they are too many; from then on only those that are wanted.
class Collector {
 public:
  Collector(const RangeSet& wanted, std::uint32_t block_bytes, std::uint64_t budget_bytes)
      : wanted_(wanted), block_bytes_(block_bytes), budget_bytes_(budget_bytes) {}

  void add(const IndexedExtent& extent) {
    if (whole_ && builder_.pieces() * kPackedBytes > budget_bytes_) {
      whole_ = false;
      builder_.keep_only([this](const IndexedExtent& kept) { return is_wanted(kept); });
    }
    if (whole_ || is_wanted(extent)) {
      builder_.add(extent);
    }
  }

  bool whole() const { return whole_; }

  ExtentIndex build() { return std::move(builder_).build(); }

 private:
  bool is_wanted(const IndexedExtent& extent) const {
    return wanted_.overlaps({extent.device_block * block_bytes_, extent.length * block_bytes_});
  }

  const RangeSet& wanted_;
  std::uint32_t block_bytes_;
  std::uint64_t budget_bytes_;
  ExtentIndexBuilder builder_;
  bool whole_ = true;
};

std::string list_of_skipped(bool stopped, const std::vector<std::string>& skipped) {
  std::string list = stopped ? "the search was stopped before all inodes were seen" : "";
  for (const std::string& one : skipped) {
    list += (list.empty() ? "not seen: " : "; not seen: ") + one;
  }
  return list;
}

// Whoever has them is damaged, and must not be taken for their owner.
bool has_fixed_blocks(const ExtentIndex& extents, std::uint64_t first, std::uint64_t count,
                      std::vector<IndexedExtent>& found) {
  found.clear();
  extents.find(first, count, found);
  return std::ranges::any_of(found, [](const IndexedExtent& extent) { return !ext4::is_reserved(extent.inode); });
}

void look_for_fixed_blocks(const ext4::Layout& layout, const ExtentIndex& extents, ext4::Damage& damage) {
  const ext4::Geometry& geometry = layout.geometry;
  const std::uint64_t table_blocks = geometry.inode_table_blocks();
  std::vector<IndexedExtent> found;
  for (const ext4::Group& group : layout.groups) {
    if (group.inode_table != 0 && (has_fixed_blocks(extents, group.inode_table, table_blocks, found) ||
                                   has_fixed_blocks(extents, group.block_bitmap, 1, found))) {
      damage.add("a file claims an inode table or a block bitmap");
    }
  }
  for (const std::uint64_t block : layout.descriptor_blocks) {
    if (has_fixed_blocks(extents, block, 1, found)) {
      damage.add("a file claims group descriptors");
    }
  }
  if (has_fixed_blocks(extents, geometry.first_data_block, 1, found)) {
    damage.add("a file claims the superblock");
  }
}

Result<BuiltIndex> build_of_ext4(const OpenFs& fs, const RangeSet& wanted, std::uint64_t budget_bytes) {
  ext4::Damage damage;
  const auto layout = ext4::read_layout(fs.device.get(), damage);
  if (!layout) {
    return tl::make_unexpected(layout.error());
  }
  Collector collector(wanted, layout->geometry.block_bytes, budget_bytes);
  ext4::ScanOptions options;
  options.sink = [&collector](const IndexedExtent& extent) { collector.add(extent); };
  options.stop = fs.stop;
  options.wants_links = [&collector] { return collector.whole(); };
  auto report = ext4::scan(*layout, options, std::move(damage));
  auto extents = collector.build();
  look_for_fixed_blocks(*layout, extents, report.damage);
  BuiltIndex built;
  built.index =
      std::make_shared<const InodeIndex>(InodeIndex{std::move(extents), ParentTable::build(std::move(report.links)),
                                                    layout->geometry.block_bytes, report.damage.count != 0});
  built.too_large = !collector.whole() || built.index->bytes() > budget_bytes;
  built.whole = !built.too_large && !report.stopped;
  built.not_seen = list_of_skipped(report.stopped, report.damage.texts);
  return built;
}

Result<BuiltIndex> build_of_xfs(const OpenFs& fs, const RangeSet& wanted, std::uint64_t budget_bytes) {
  const auto block_bytes = static_cast<std::uint32_t>(fs.xfs->block_bytes);
  Collector collector(wanted, block_bytes, budget_bytes);
  const auto report = walk_inodes(fs, [&](std::uint64_t inode, const kernel::FileExtent& extent) {
    collector.add({extent.device_offset / block_bytes, (extent.length + block_bytes - 1) / block_bytes, inode,
                   extent.file_offset / block_bytes, ExtentRole::kData});
  });
  if (!report) {
    return tl::make_unexpected(report.error());
  }
  BuiltIndex built;
  built.index = std::make_shared<const InodeIndex>(InodeIndex{collector.build(), {}, block_bytes, !report->complete});
  built.too_large = !collector.whole() || built.index->bytes() > budget_bytes;
  built.whole = !built.too_large && !report->stopped;
  built.not_seen = list_of_skipped(report->stopped, report->skipped);
  return built;
}

}  // namespace

Result<BuiltIndex> build_index(const OpenFs& fs, const RangeSet& wanted, std::uint64_t budget_bytes) {
  return fs.xfs ? build_of_xfs(fs, wanted, budget_bytes) : build_of_ext4(fs, wanted, budget_bytes);
}

}  // namespace pmend::rmap
