// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/rmap/claim.hpp"
#include "pmend/rmap/owner_resolver.hpp"

#include <string>
#include <vector>

namespace pmend::rmap {

// Cuts the wanted ranges wherever a claim begins or ends, gives every piece the owners that claim it, and joins
// neighbours whose owners merely continue. A piece that nobody claims has an unknown owner with `why_unclaimed`. An
// unknown owner beside known ones stays: one of several files that share an extent may not have been checkable. Pure.
std::vector<OwnedRange> assemble(const FileSystemRef& filesystem, const RangeSet& wanted, std::vector<Claim> claims,
                                 const std::string& why_unclaimed);

}  // namespace pmend::rmap
