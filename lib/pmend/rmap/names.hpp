// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/open_fs.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace pmend::rmap {

// Inode number -> paths below the root of the mount, sorted. Raw bytes; "." is the root itself.
using NamesByInode = std::map<std::uint64_t, std::vector<std::string>>;

// All names of these inodes that one walk over the tree shows and that, looked up again afterwards, still lead to them
// without any link or mount in between. Names below a mount point are not seen, nor what the walk did not reach within
// `limit`.
NamesByInode find_names(const OpenFs& fs, const std::set<std::uint64_t>& inodes, std::chrono::milliseconds limit);

// The absolute path of a name that find_names() gave.
std::string absolute_path(const std::string& mount_point, const std::string& name);

}  // namespace pmend::rmap
