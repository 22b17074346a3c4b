// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/open_fs.hpp"
#include "pmend/rmap/parent_table.hpp"

#include <string>
#include <vector>

// Names of a file that is no directory, found where a table of parents says it has some. Paths below the root of the
// mount, not checked.
namespace pmend::rmap {

// One path for each directory, as the kernel finds it from a handle that tells the directory: the same one several
// times for a file that has several. None before Linux 6.13.
std::vector<std::string> names_by_handle(const OpenFs& fs, const ParentTable& parents, const kernel::InodeId& id);

// All names in these directories, by reading them.
std::vector<std::string> names_by_directory(const OpenFs& fs, const ParentTable& parents, const kernel::InodeId& id);

}  // namespace pmend::rmap
