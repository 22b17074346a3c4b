// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/rmap/claim.hpp"
#include "pmend/rmap/names.hpp"
#include "pmend/rmap/open_fs.hpp"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <vector>

namespace pmend::rmap {

// Claims that were checked. Every one with an inode has its generation.
struct Verified {
  std::vector<Claim> claims;
  // Claims that did not hold: the owner is gone, or has something else there. Worth asking again.
  std::vector<Claim> failed;
  // Names of files that were open anyway, each all its file has.
  std::map<std::uint64_t, NamesOfInode> names;
};

enum class NamesToo : bool { kNo, kIfKnown };

// Opens the owner of each claim by its handle and asks it for exactly that range: FIEMAP for data and for directories
// of ext4, the inode itself on ext4 and else GETFSMAP a second time for what FIEMAP does not tell (attributes, extent
// maps, XFS directories, symbolic links, files that must not be opened). Claims are cut where FIEMAP's flags change.
// Those that cannot be checked become unknown, with the reason.
Verified verify(const OpenFs& fs, std::vector<Claim> claims, NamesToo names);

}  // namespace pmend::rmap
