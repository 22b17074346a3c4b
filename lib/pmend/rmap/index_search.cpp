// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/index_search.hpp"

#include "pmend/rmap/ext4/bitmap.hpp"
#include "pmend/rmap/index_build.hpp"

#include <optional>
#include <string>
#include <utility>

namespace pmend::rmap {
namespace {

constexpr const char* kNobodyOnXfs =
    "in use, but by no file's data: metadata, a directory or attributes, which XFS without rmapbt does not tell apart";
constexpr const char* kNobodyOnExt4 = "in use, but no inode has it";
constexpr const char* kRestOfCluster =
    "in use, but no inode has it; where blocks are given away in clusters, files need not use the whole";

Claim claim_of(const InodeIndex& index, const IndexedExtent& extent, const ByteRange& part, unsigned evidence) {
  Claim claim;
  claim.device_range = part;
  claim.inode = extent.inode;
  claim.evidence = evidence;
  claim.data_fork = extent.role == ExtentRole::kData;
  claim.kind = claim.data_fork ? OwnerKind::kFile : OwnerKind::kMetadata;
  if (claim.data_fork) {
    claim.file_offset = extent.file_block * index.block_bytes + (part.offset - extent.device_block * index.block_bytes);
  } else {
    claim.detail = extent.role == ExtentRole::kMap ? kExtentMap : kExtendedAttributes;
  }
  return claim;
}

SearchResult look_up(const InodeIndex& index, const RangeSet& wanted, unsigned evidence) {
  SearchResult result;
  result.missing = wanted;
  std::vector<IndexedExtent> found;
  for (const ByteRange& range : wanted.ranges()) {
    found.clear();
    const std::uint64_t first = range.offset / index.block_bytes;
    index.extents.find(first, (range.end() - 1) / index.block_bytes - first + 1, found);
    for (const IndexedExtent& extent : found) {
      const auto part = intersect(range, {extent.device_block * index.block_bytes, extent.length * index.block_bytes});
      if (part) {
        result.claims.push_back(claim_of(index, extent, *part, evidence));
        result.missing.erase(*part);
      }
    }
    if (result.claims.size() > kMaxClaims) {
      break;  // the caller refuses so many
    }
  }
  return result;
}

void take_missing(SearchResult& result, const std::vector<ByteRange>& ranges, OwnerKind kind,
                  const std::string& detail) {
  for (const ByteRange& range : ranges) {
    Claim claim = unknown_claim(range, detail, kByInodeTables);
    claim.kind = kind;
    result.claims.push_back(std::move(claim));
    result.missing.erase(range);
  }
}

// GETFSMAP of ext4 leaves out some free space and what lies before the first group; the bitmaps know. Takes what they
// tell out of what is missing. Where an inode is damaged, a file may have what they call free.
// Returns false if some of it is not to be believed: that is unknown then.
bool add_unused(const ext4::Layout& layout, bool damaged, SearchResult& result) {
  const ext4::FreeSpace space = ext4::free_of(layout, result.missing);
  take_missing(result, space.free.ranges(), damaged ? OwnerKind::kUnknown : OwnerKind::kFree,
               damaged ? kFreeOrDamaged : kFreeSpace);
  take_missing(result, space.doubtful.ranges(), OwnerKind::kUnknown, space.why);
  const ByteRange before{0, std::uint64_t{layout.geometry.first_data_block} * layout.geometry.block_bytes};
  take_missing(result, result.missing.common(before), OwnerKind::kMetadata, "boot block");
  return space.doubtful.empty() && (!damaged || space.free.empty());
}

// One question on one file system.
class IndexSearch {
 public:
  IndexSearch(const OpenFs& fs, const RangeSet& wanted, IndexCache& cache)
      : fs_(fs),
        wanted_(wanted),
        cache_(cache),
        key_(index_key(fs)),
        source_(fs.xfs ? kByBulkstat | kByFiemap : kByInodeTables) {}

  Result<IndexedResult> run(Freshness freshness) {
    if (!fs_.xfs && !fs_.ext4) {
      return fail(Errc::kUnsupported, "its inodes cannot be read from its block device");
    }
    if (const auto kept = freshness == Freshness::kKept ? cache_.find(key_) : nullptr) {
      if (auto result = look_up_in(kept, source_ | kByIndex); sure_) {
        return result;
      }
    }
    auto built = build_index(fs_, wanted_, cache_.budget_bytes());
    if (!built) {
      return tl::make_unexpected(built.error());
    }
    auto result = look_up_in(built->index, source_);
    result.found.why_missing = why_missing(*built);
    if (built->whole) {
      cache_.put(key_, with_kept_parents(std::move(built->index)));
    } else if (built->too_large) {
      cache_.note_too_large(key_);
    }
    return result;
  }

 private:
  IndexedResult look_up_in(const std::shared_ptr<const InodeIndex>& index, unsigned evidence) {
    IndexedResult result{look_up(*index, wanted_, evidence), index};
    const bool unused_is_sure =
        !fs_.ext4 || result.found.missing.empty() || add_unused(*fs_.ext4, index->damaged, result.found);
    sure_ = unused_is_sure && result.found.missing.empty();
    return result;
  }

  // Reading the inodes of XFS does not tell who has names where; a walk for names did.
  std::shared_ptr<const InodeIndex> with_kept_parents(std::shared_ptr<const InodeIndex> built) const {
    const auto kept = fs_.xfs ? cache_.find(key_) : nullptr;
    if (!kept) {
      return built;
    }
    InodeIndex both = *built;
    both.parents = kept->parents;
    return std::make_shared<const InodeIndex>(std::move(both));
  }

  std::string why_missing(const BuiltIndex& built) const {
    const bool clusters = fs_.ext4 && fs_.ext4->geometry.cluster_blocks > 1;
    const std::string why = fs_.xfs ? kNobodyOnXfs : clusters ? kRestOfCluster : kNobodyOnExt4;
    return built.not_seen.empty() ? why : why + "; " + built.not_seen;
  }

  const OpenFs& fs_;
  const RangeSet& wanted_;
  IndexCache& cache_;
  IndexKey key_;
  unsigned source_;
  bool sure_ = false;  // that the last look into an index told all
};

}  // namespace

IndexKey index_key(const OpenFs& fs) {
  return {fs.mounted.device, fs.mounted.ref.uuid};
}

std::optional<IndexedResult> search_kept_index(const OpenFs& fs, const RangeSet& wanted, IndexCache& cache) {
  const auto kept = fs.xfs ? nullptr : cache.find(index_key(fs));
  if (!kept || kept->damaged) {
    return std::nullopt;
  }
  IndexedResult result{look_up(*kept, wanted, kByInodeTables | kByIndex), kept};
  std::erase_if(result.found.claims, [&result](const Claim& claim) {
    if (ext4::is_reserved(claim.inode)) {
      result.found.missing.insert(claim.device_range);
      return true;
    }
    return false;
  });
  return result;
}

Result<IndexedResult> search_index(const OpenFs& fs, const RangeSet& wanted, IndexCache& cache, Freshness freshness) {
  return IndexSearch(fs, wanted, cache).run(freshness);
}

}  // namespace pmend::rmap
