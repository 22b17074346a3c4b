// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/kernel/fiemap.hpp"
#include "pmend/rmap/owner_resolver.hpp"

#include <vector>

// File systems of which nothing is known but that FIEMAP answers: erofs, f2fs, nilfs2 and others.
namespace pmend::rmap {

// The extents of an open file that have a place on the device of its file system.
// Errors: those of FIEMAP; kUnsupported where they need not be what they seem: for a file that is compressed (FIEMAP of
// erofs does not say so), and on file systems whose addresses are of none of their devices.
Result<std::vector<kernel::FileExtent>> placed_extents(const std::string& type, int fd);

// OwnerResolver::resolve() by one walk over the whole tree. Only files, and only what they say at that moment: all else
// is unknown, and an owner has no generation. Of the facts, names and attributes are told.
Result<std::vector<OwnedRange>> resolve_by_fiemap(const MountedFileSystem& fs, const RangeSet& wanted,
                                                  const ResolveOptions& options);

}  // namespace pmend::rmap
