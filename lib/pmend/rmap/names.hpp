// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/open_fs.hpp"
#include "pmend/rmap/parent_table.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace pmend::rmap {

// Inode number -> paths below the root of the mount, sorted. Raw bytes; "." is the root itself.
using NamesByInode = std::map<std::uint64_t, std::vector<std::string>>;

// The names of these inodes that, looked up again afterwards, lead to them without any link or mount in between. Where
// `parents`, may be null, does not lead to as many as an inode has links, one walk over the tree shows them. Names
// below a mount point are not seen, nor what the walk did not reach within `limit`.
NamesByInode find_names(const OpenFs& fs, const ParentTable* parents, const std::set<std::uint64_t>& inodes,
                        std::chrono::milliseconds limit);

// The absolute path of a name that find_names() gave.
std::string absolute_path(const std::string& mount_point, const std::string& name);

}  // namespace pmend::rmap
