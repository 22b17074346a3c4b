// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/owner_resolver.hpp"

#include <string>
#include <vector>

namespace pmend::rmap {

// The other way round: where on the device does this file lie? Owners of kind file in order of file offset, with `path`
// as their only name. Holes and data that has no block yet are left out. `path` is absolute. On btrfs all copies on the
// device that `fs.node` names are told; on file systems of which no more is known than FIEMAP the owner has no
// generation.
// Errors: the errno; kInvalid if it is no regular file; kStale if it is not on `fs`; kUnsupported as in open_fs(),
// placed_extents() and locate_btrfs_file(), and where it lies on another device of its file system; kRefused if it is
// under a lease.
Result<std::vector<Owner>> locate_file(const MountedFileSystem& fs, const std::string& path,
                                       const ResolveOptions& options);

}  // namespace pmend::rmap
