// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/open_fs.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What all ways to find names share: they only say where a name may be.
namespace pmend::rmap {

// Of one inode: more do not fit into an answer, and a file can have millions.
inline constexpr std::size_t kMostNames = 2000;

// The path below the root of the mount, or nothing. Of a directory always; of a file whose handle told its parent.
std::optional<std::string> path_of_descriptor(const OpenFs& fs, int fd);

// The one name of a file, if the kernel still knows by what name it was reached last, and it is no other's now.
std::optional<std::string> known_name(const OpenFs& fs, int fd, std::uint64_t inode);

// True if the name, looked up now, leads to the inode without any link or mount in between.
bool leads_to(const OpenFs& fs, const std::string& name, std::uint64_t inode);

// Sorts, and takes out what is twice there or does not lead to the inode.
void keep_true_names(const OpenFs& fs, std::uint64_t inode, std::vector<std::string>& names);

}  // namespace pmend::rmap
