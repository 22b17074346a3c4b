// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/extent_search.hpp"
#include "pmend/rmap/index_cache.hpp"

#include <memory>
#include <optional>

namespace pmend::rmap {

enum class Freshness {
  kKept,  // an index that was kept will do, if it knows somebody for all
  kNew,   // all inodes are read now
};

struct IndexedResult {
  SearchResult found;
  std::shared_ptr<const InodeIndex> index;
};

// Under which the index of a file system is kept.
IndexKey index_key(const OpenFs& fs);

// What a kept index of ext4 knows of the ranges, for asking those owners first; nothing if there is none, or if it is
// of a file system on which they may not be the only ones. What belongs to the file system itself is missing in it.
std::optional<IndexedResult> search_kept_index(const OpenFs& fs, const RangeSet& wanted, IndexCache& cache);

// Looks ranges up in the index of the file system: ext4, or XFS without rmapbt. It is made anew where there is none, or
// where the one that was kept does not know all; then what nobody has is known to be nobody's at that moment. What is
// larger than the cache's budget is not kept, and only what was asked for is held in memory meanwhile.
// Errors: ext4's block device cannot be read.
Result<IndexedResult> search_index(const OpenFs& fs, const RangeSet& wanted, IndexCache& cache, Freshness freshness);

}  // namespace pmend::rmap
