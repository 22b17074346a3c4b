// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/rmap/claim.hpp"
#include "pmend/rmap/open_fs.hpp"

#include <vector>

namespace pmend::rmap {

// What GETFSMAP alone tells of some device ranges.
struct SpaceMap {
  std::vector<Claim> claims;
  // In use, but by whom must be found otherwise: all of it on ext4 and on XFS without rmapbt, nothing with it.
  RangeSet undecided;
};

// A range that cannot be asked (EIO in a tree of the file system, say) becomes a claim of kind unknown on XFS, and is
// undecided on ext4.
// Errors: kRefused past kMaxClaims.
Result<SpaceMap> read_space_map(const OpenFs& fs, const RangeSet& wanted);

// True if GETFSMAP still says exactly this of the claim's whole range.
bool space_map_confirms(const OpenFs& fs, const Claim& claim);

}  // namespace pmend::rmap
