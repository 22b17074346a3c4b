// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/names_by_table.hpp"

#include "pmend/kernel/bulkstat.hpp"
#include "pmend/rmap/name_check.hpp"
#include "pmend/rmap/tree_walk.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <functional>

namespace pmend::rmap {
namespace {

// Calls for each directory that the table may mean by a number.
void for_each_directory(const OpenFs& fs, const ParentTable& parents, std::uint64_t inode,
                        const std::function<void(const kernel::InodeId& directory)>& call) {
  for (const std::uint32_t number : parents.directories_of(static_cast<std::uint32_t>(inode))) {
    if (!fs.xfs) {
      call({number, 0});
      continue;
    }
    for (std::uint64_t high = 0; high <= fs.xfs->last_inode >> 32U; ++high) {
      const std::uint64_t meant = high << 32U | number;
      const auto record = kernel::bulkstat_one(fs.root.get(), meant);
      if (record && *record && S_ISDIR((*record)->mode)) {
        call({meant, (*record)->generation});
      }
    }
  }
}

}  // namespace

std::vector<std::string> names_by_handle(const OpenFs& fs, const ParentTable& parents, const kernel::InodeId& id) {
  std::vector<std::string> names;
  for_each_directory(fs, parents, id.inode, [&](const kernel::InodeId& directory) {
    const auto fd = kernel::open_path_by_id_and_parent(fs.root.get(), fs.style, id, directory);
    const auto path = fd ? path_of_descriptor(fs, fd->get()) : std::nullopt;
    if (path && names.size() < kMostNames) {
      names.push_back(*path);
    }
  });
  return names;
}

std::vector<std::string> names_by_directory(const OpenFs& fs, const ParentTable& parents, const kernel::InodeId& id) {
  std::vector<std::string> names;
  for_each_directory(fs, parents, id.inode, [&](const kernel::InodeId& directory) {
    const auto fd = kernel::open_path_by_id(fs.root.get(), fs.style, directory);
    const auto path = fd ? path_of_descriptor(fs, fd->get()) : std::nullopt;
    if (!path) {
      return;
    }
    // Names that are not seen are missed in the count of links.
    (void)visit_directory(fs, *path == "." ? "" : *path, [&](const TreeEntry& entry) {
      if (entry.inode == id.inode && names.size() < kMostNames) {
        names.push_back(entry.path());
      }
      return WalkNext::kGoOn;
    });
  });
  return names;
}

}  // namespace pmend::rmap
