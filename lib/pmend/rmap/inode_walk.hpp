// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/kernel/fiemap.hpp"
#include "pmend/rmap/open_fs.hpp"
#include "pmend/rmap/tree_walk.hpp"

#include <cstdint>
#include <functional>

namespace pmend::rmap {

// Asks all regular files of an XFS by number where they lie: deleted ones too, and each that has a shared extent.
// Errors: those of reading the first inodes; later ones are told in the report.
Result<WalkReport> walk_inodes(const OpenFs& fs,
                               const std::function<void(std::uint64_t inode, const kernel::FileExtent& extent)>& visit);

}  // namespace pmend::rmap
