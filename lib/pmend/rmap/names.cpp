// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/names.hpp"

#include "pmend/kernel/open_beneath.hpp"
#include "pmend/rmap/tree_walk.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

namespace pmend::rmap {
namespace {

// Of one inode: more do not fit into an answer, and a file can have millions.
constexpr std::size_t kMostNames = 2000;

bool leads_to(const OpenFs& fs, const std::string& name, std::uint64_t inode) {
  const auto fd = kernel::open_beneath(fs.root.get(), name, O_PATH | O_NOFOLLOW);
  struct stat status = {};
  return fd && fstat(fd->get(), &status) == 0 && status.st_dev == fs.mounted.device && status.st_ino == inode;
}

}  // namespace

NamesByInode find_names(const OpenFs& fs, const std::set<std::uint64_t>& inodes, std::chrono::milliseconds limit) {
  NamesByInode names;
  if (inodes.empty()) {
    return names;
  }
  const auto end = std::chrono::steady_clock::now() + limit;
  walk_tree(fs, [&](const TreeEntry& entry) {
    if (inodes.contains(entry.inode) && names[entry.inode].size() < kMostNames) {
      names[entry.inode].push_back(entry.path());
    }
    return std::chrono::steady_clock::now() < end ? WalkNext::kGoOn : WalkNext::kEnd;
  });
  for (auto& [inode, paths] : names) {
    // A name that moved during the walk may have been met twice.
    std::ranges::sort(paths);
    const auto same = std::ranges::unique(paths);
    paths.erase(same.begin(), same.end());
    std::erase_if(paths, [&fs, number = inode](const std::string& path) { return !leads_to(fs, path, number); });
  }
  return names;
}

std::string absolute_path(const std::string& mount_point, const std::string& name) {
  if (name == ".") {
    return mount_point;
  }
  return mount_point.ends_with('/') ? mount_point + name : mount_point + "/" + name;
}

}  // namespace pmend::rmap
