// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/rmap/owner_resolver.hpp"

#include <vector>

namespace pmend::rmap {

// OwnerResolver::resolve() of btrfs, which can answer by itself at any time: device -> chunk of logical addresses ->
// references of each block -> names, in all subvolumes and snapshots. `fs.node` tells which device of several.
//
// An inode number counts within its subvolume, which Owner::detail names; FileId::generation is 0. Names are those that
// the mount point shows, and are asked for whatever the options say; no other facts are had. Striped chunks (raid0, 10,
// 5, 6), and what is behind the first 256 MiB of blocks that have to be asked for, is unknown, with the reason.
//
// For questions of people only: nothing here is confirmed once more, and nothing on btrfs is ever repaired.
Result<std::vector<OwnedRange>> resolve_btrfs(const MountedFileSystem& fs, const RangeSet& wanted,
                                              const ResolveOptions& options);

}  // namespace pmend::rmap
