// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/open_fs.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace pmend::rmap {

// One name that the walk meets. Valid during the visit.
struct TreeEntry {
  int directory_fd = -1;
  const std::string& directory;  // below the root, "" for the root itself
  const char* name;
  std::uint64_t inode = 0;  // d_ino: at a mount point the covered directory's, not the one that fstatat(2) shows
  unsigned char type = 0;   // DT_*, never DT_UNKNOWN
  std::uint64_t directory_inode = 0;  // the root has itself

  // Below the root; "." is the root.
  std::string path() const { return directory.empty() ? name : directory + "/" + name; }
};

struct WalkReport {
  bool complete = true;              // every name below the root was met
  bool stopped = false;              // OpenFs::stop said so
  std::vector<std::string> skipped;  // what could not be looked at and why, the first few

  void skip(std::string what);
};

enum class WalkNext { kGoOn, kEnd };
using Visit = std::function<WalkNext(const TreeEntry&)>;

// Visits every name of the file system, the root as "." first, in no order. Never leaves the mount, follows no link,
// holds two descriptors however deep the tree is; directories whose path is longer than PATH_MAX are skipped. A tree
// that changes meanwhile can show a name twice or not at all.
WalkReport walk_tree(const OpenFs& fs, const Visit& visit);

// Visits the names in one directory, "" for the root, in no order, until kEnd. Errors: the errno; EXDEV where something
// else is mounted over it.
Status visit_directory(const OpenFs& fs, const std::string& path, const Visit& visit);

// Opens the file or directory behind an entry for questions about its extents: for reading, without blocking,
// following, changing its atime, crossing a mount or breaking a lease. Errors: the errno; kStale if it is not a regular
// file or directory of this file system any more; kRefused if it is leased.
Result<UniqueFd> open_entry(const OpenFs& fs, const TreeEntry& entry);

}  // namespace pmend::rmap
