// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/index_build.hpp"

#include "pmend/rmap/ext4/scan.hpp"
#include "pmend/rmap/inode_walk.hpp"

#include <utility>

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

  std::shared_ptr<const InodeIndex> build(std::vector<ParentLink> links, bool damaged) {
    return std::make_shared<const InodeIndex>(
        InodeIndex{std::move(builder_).build(), ParentTable::build(std::move(links)), block_bytes_, damaged});
  }

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
  BuiltIndex built;
  built.index = collector.build(std::move(report.links), report.damage.count != 0);
  built.whole = collector.whole() && !report.stopped && built.index->bytes() <= budget_bytes;
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
  built.index = collector.build({}, !report->complete);
  built.whole = collector.whole() && !report->stopped && built.index->bytes() <= budget_bytes;
  built.not_seen = list_of_skipped(report->stopped, report->skipped);
  return built;
}

}  // namespace

Result<BuiltIndex> build_index(const OpenFs& fs, const RangeSet& wanted, std::uint64_t budget_bytes) {
  return fs.xfs ? build_of_xfs(fs, wanted, budget_bytes) : build_of_ext4(fs, wanted, budget_bytes);
}

}  // namespace pmend::rmap
