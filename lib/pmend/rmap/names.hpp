// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/open_fs.hpp"
#include "pmend/rmap/parent_table.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pmend::rmap {

struct NamesOfInode {
  std::vector<std::string> names;  // paths below the root of the mount, sorted; raw bytes, "." is the root itself
  unsigned evidence = 0;           // kNamesBy…: how they were found
  nlink_t links = 0;               // how many it had after that; of a directory 1: its one name
};

struct FoundNames {
  std::map<std::uint64_t, NamesOfInode> by_inode;  // those of which any was found
  // Who has names where, if all names of the file system were met on the way: to be kept for the next question.
  std::optional<ParentTable> table;
};

struct NameSearch {
  std::chrono::milliseconds limit{0};  // of the walk
  std::size_t most_links = 0;          // of a table
  std::optional<NameMethod> only;      // for tests
};

// The names of these inodes that, looked up again afterwards, lead to them without any link or mount in between. The
// kernel may still know the one name of a file; else an inode is asked itself where the file system has parent
// pointers; else `parents`, may be null, says in which directories to look; where that does not lead to as many names
// as the inode has links, one walk over the tree shows them. Names below a mount point are not seen, nor what the walk
// did not reach within the limit.
FoundNames find_names(const OpenFs& fs, const ParentTable* parents, const std::set<kernel::InodeId>& inodes,
                      const NameSearch& search);

// The absolute path of a name that find_names() gave.
std::string absolute_path(const std::string& mount_point, const std::string& name);

}  // namespace pmend::rmap
