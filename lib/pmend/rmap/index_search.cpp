// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/index_search.hpp"

#include "pmend/rmap/index_build.hpp"

#include <utility>

namespace pmend::rmap {
namespace {

constexpr const char* kNobodyOnXfs =
    "in use, but by no file's data: metadata, a directory or attributes, which XFS without rmapbt does not tell apart";
constexpr const char* kNobodyOnExt4 = "in use, but no inode has it: perhaps freed a moment ago, or part of a cluster";

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
      const auto part =
          intersect(range, {extent.device_block * index.block_bytes, extent.length * index.block_bytes});
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

}  // namespace

Result<IndexedResult> search_index(const OpenFs& fs, const RangeSet& wanted, IndexCache& cache, Freshness freshness) {
  const IndexKey key{fs.mounted.device, fs.mounted.ref.uuid};
  const unsigned source = fs.xfs ? kByBulkstat | kByFiemap : kByInodeTables;
  if (const auto kept = freshness == Freshness::kKept ? cache.find(key) : nullptr) {
    IndexedResult result{look_up(*kept, wanted, source | kByIndex), kept};
    if (result.found.missing.empty()) {
      return result;
    }
  }
  auto built = build_index(fs, wanted, cache.budget_bytes());
  if (!built) {
    return tl::make_unexpected(built.error());
  }
  IndexedResult result{look_up(*built->index, wanted, source), built->index};
  result.found.why_missing = fs.xfs ? kNobodyOnXfs : kNobodyOnExt4;
  if (!built->not_seen.empty()) {
    result.found.why_missing += "; " + built->not_seen;
  }
  if (built->whole) {
    cache.put(key, std::move(built->index));
  }
  return result;
}

}  // namespace pmend::rmap
