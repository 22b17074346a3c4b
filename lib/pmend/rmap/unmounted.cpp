// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/unmounted.hpp"

#include "pmend/base/range_set.hpp"
#include "pmend/rmap/claim.hpp"
#include "pmend/rmap/ext4/bitmap.hpp"
#include "pmend/rmap/ext4/scan.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace pmend::rmap {
namespace {

constexpr std::uint32_t kRootInode = 2;
constexpr std::size_t kDeepestTree = 4096;    // components of a path
constexpr std::size_t kMostNamesRead = 1000;  // of one file

// Paths out of parent links and directories.
class TreeNames {
 public:
  TreeNames(const ext4::Layout& layout, std::vector<ParentLink> links)
      : layout_(layout), parents_(ParentTable::build(std::move(links))) {}

  std::vector<FilePath> paths_of(std::uint32_t inode) {
    std::vector<FilePath> paths;
    for (const std::uint32_t directory : parents_.directories_of(inode)) {
      const auto above = path_of_directory(directory);
      for (const std::string& name : above ? ext4::names_in(layout_, directory, inode) : std::vector<std::string>()) {
        if (paths.size() < kMostNamesRead) {
          paths.push_back({*above + "/" + name});
        }
      }
    }
    return paths;
  }

 private:
  // Without a slash at its end; nothing for a directory that does not hang on the root. Each is looked up once, also
  // where damage makes them go in circles: on the way up it is known to hang on nothing.
  std::optional<std::string> path_of_directory(std::uint32_t directory) {
    std::vector<std::pair<std::uint32_t, std::string>> chain;
    std::optional<std::string> path = "";
    for (std::uint32_t at = directory; at != kRootInode;) {
      const auto [known, is_new] = directories_.try_emplace(at);
      if (!is_new) {
        path = known->second;
        break;
      }
      const auto above = parents_.directories_of(at);
      auto names = above.empty() ? std::vector<std::string>() : ext4::names_in(layout_, above[0], at);
      if (names.empty() || chain.size() == kDeepestTree) {
        path = std::nullopt;
        break;
      }
      chain.emplace_back(at, std::move(names.front()));
      at = above[0];
    }
    for (auto step = chain.rbegin(); path && step != chain.rend(); ++step) {
      *path += "/" + step->second;
      directories_[step->first] = path;
    }
    return path;
  }

  const ext4::Layout& layout_;
  ParentTable parents_;
  std::map<std::uint32_t, std::optional<std::string>> directories_;  // that were looked up
};

class Reader {
 public:
  Reader(const UnmountedExt4& fs, RangeSet wanted, const ext4::Layout& layout)
      : fs_(fs), layout_(layout), wanted_(std::move(wanted)), missing_(wanted_), block_(layout.geometry.block_bytes) {}

  Result<std::vector<Owner>> run(ext4::Damage damage) {
    ext4::ScanOptions options;
    options.sink = [this](const IndexedExtent& extent) { take(extent); };
    options.stop = fs_.stop;
    options.wants_links = [] { return true; };
    auto report = ext4::scan(layout_, options, std::move(damage));
    if (extents_.size() > kMaxClaims) {
      return fail(Errc::kRefused, "more owners than fit into one answer: ask for less");
    }
    TreeNames names(layout_, std::move(report.links));
    for (const IndexedExtent& extent : extents_) {
      add_extent(extent, names);
    }
    add_tables();
    add_free(report.damage);
    add_rest(report);
    std::ranges::sort(owners_, {}, [](const Owner& owner) { return owner.device_range.offset; });
    return std::move(owners_);
  }

 private:
  ByteRange bytes_of(std::uint64_t first_block, std::uint64_t blocks) const {
    return {first_block * block_, blocks * block_};
  }

  void take(const IndexedExtent& extent) {
    if (extents_.size() <= kMaxClaims && wanted_.overlaps(bytes_of(extent.device_block, extent.length))) {
      extents_.push_back(extent);
    }
  }

  Owner owner_of(OwnerKind kind, const ByteRange& range, const std::string& what) const {
    Owner owner;
    owner.kind = kind;
    owner.filesystem = fs_.ref;
    owner.device_range = range;
    owner.detail = what + (what.empty() ? "" : "; ") + "the file system is not mounted here: read from its device";
    if (layout_.geometry.needs_recovery && !fs_.elsewhere) {
      owner.detail += ", and may be old: its journal waits to be replayed";
    }
    return owner;
  }

  // What an inode is, and its names; read once.
  const Owner& known(std::uint32_t inode, TreeNames& names) {
    const auto [found, is_new] = known_.try_emplace(inode);
    if (is_new) {
      const auto blocks = ext4::read_blocks_of(layout_, inode);
      const ext4::Inode read = blocks ? blocks->inode : ext4::Inode();
      const bool regular = S_ISREG(read.mode);
      const std::string what = blocks && read.links == 0 ? "deleted"
                               : regular && !read.hidden ? ""
                               : regular                 ? "hidden inode " + std::to_string(inode)
                               : S_ISDIR(read.mode)      ? "directory"
                               : S_ISLNK(read.mode)      ? "symbolic link"
                                                         : "inode " + std::to_string(inode);
      found->second = owner_of(regular && !read.hidden ? OwnerKind::kFile : OwnerKind::kMetadata, {}, what);
      found->second.file = FileId{inode, read.generation};
      found->second.paths = names.paths_of(inode);
    }
    return found->second;
  }

  void add_extent(const IndexedExtent& extent, TreeNames& names) {
    const ByteRange place = bytes_of(extent.device_block, extent.length);
    for (const ByteRange& part : wanted_.common(place)) {
      Owner owner = known(static_cast<std::uint32_t>(extent.inode), names);
      owner.device_range = part;
      if (extent.role == ExtentRole::kData) {
        owner.file_offset = extent.file_block * block_ + (part.offset - place.offset);
      } else {
        owner.kind = OwnerKind::kMetadata;
        owner.detail = (extent.role == ExtentRole::kMap ? kExtentMap : kExtendedAttributes) + ("; " + owner.detail);
      }
      owners_.push_back(std::move(owner));
      missing_.erase(part);
    }
  }

  void add(OwnerKind kind, const ByteRange& place, const std::string& what) {
    for (const ByteRange& part : missing_.common(place)) {
      owners_.push_back(owner_of(kind, part, what));
      missing_.erase(part);
    }
  }

  void add_tables() {
    const ext4::Geometry& geometry = layout_.geometry;
    const std::uint64_t bytes = std::uint64_t{geometry.inodes_per_group} * geometry.inode_bytes;
    add(OwnerKind::kMetadata, {0, (std::uint64_t{geometry.first_data_block} + 1) * block_}, "superblock");
    for (const ext4::Group& group : layout_.groups) {
      if (group.inode_table != 0) {
        add(OwnerKind::kMetadata, bytes_of(group.inode_table, (bytes + block_ - 1) / block_), "inodes");
      }
      if (group.block_bitmap != 0 && group.block_bitmap < geometry.blocks) {
        add(OwnerKind::kMetadata, bytes_of(group.block_bitmap, 1), "block bitmap");
      }
    }
  }

  // Where a group never gave a block away its bitmap is not written, and fixed metadata in it cannot be told from what
  // is free. Where an inode is damaged, a file may have what a bitmap calls free.
  void add_free(const ext4::Damage& damage) {
    const ext4::Geometry& geometry = layout_.geometry;
    for (std::size_t i = 0; i < layout_.groups.size(); ++i) {
      const std::uint64_t first = geometry.first_data_block + i * std::uint64_t{geometry.blocks_per_group};
      const auto inside = missing_.common(bytes_of(first, geometry.blocks_per_group));
      if (inside.empty()) {
        continue;
      }
      if (layout_.groups[i].no_bitmap) {
        add(OwnerKind::kUnknown, bytes_of(first, geometry.blocks_per_group),
            "free, or a copy of the superblock or group descriptors");
        continue;
      }
      const ext4::FreeSpace space = ext4::free_of(layout_, RangeSet(inside));
      for (const ByteRange& range : space.free.ranges()) {
        damage.count == 0 ? add(OwnerKind::kFree, range, kFreeSpace) : add(OwnerKind::kUnknown, range, kFreeOrDamaged);
      }
      for (const ByteRange& range : space.doubtful.ranges()) {
        add(OwnerKind::kUnknown, range, space.why);
      }
    }
  }

  void add_rest(const ext4::ScanReport& report) {
    std::string why = "in use, but no inode has it: group descriptors, an inode bitmap or the like";
    for (const std::string& damage : report.damage.texts) {
      why += "; not seen: " + damage;
    }
    const std::vector<ByteRange> rest = missing_.ranges();
    for (const ByteRange& range : rest) {
      add(OwnerKind::kUnknown, range, report.stopped ? "the search was stopped before all inodes were seen" : why);
    }
  }

  const UnmountedExt4& fs_;
  const ext4::Layout& layout_;
  RangeSet wanted_;
  RangeSet missing_;
  std::uint64_t block_;
  std::vector<IndexedExtent> extents_;
  std::map<std::uint32_t, Owner> known_;
  std::vector<Owner> owners_;
};

}  // namespace

Result<std::vector<Owner>> read_unmounted_ext4(const UnmountedExt4& fs, const std::vector<ByteRange>& ranges) {
  ext4::Damage damage;
  const auto layout = ext4::read_layout(fs.fd, damage);
  return layout ? Reader(fs, RangeSet(ranges), *layout).run(std::move(damage)) : tl::make_unexpected(layout.error());
}

}  // namespace pmend::rmap
