// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/names_by_parents.hpp"

#include "pmend/kernel/xfs_parents.hpp"
#include "pmend/rmap/name_check.hpp"

#include <limits.h>

#include <utility>

namespace pmend::rmap {

ParentPointers::ParentPointers(const OpenFs& fs) : fs_(fs) {
  if (fs.xfs && fs.xfs->parent_pointers) {
    const auto root = kernel::identify(fs.root.get());
    root_ = root ? std::optional(*root) : std::nullopt;
  }
}

Result<std::vector<std::string>> ParentPointers::names_of(const kernel::InodeId& id) {
  if (!root_) {
    return fail(Errc::kUnsupported, "parent pointers");
  }
  if (id == *root_) {
    return std::vector<std::string>{"."};
  }
  const auto parents = kernel::xfs_parents(fs_.root.get(), id, kMostNames);
  if (!parents) {
    return tl::make_unexpected(parents.error());
  }
  std::vector<std::string> names;
  for (const kernel::ParentPointer& parent : *parents) {
    if (const auto& directory = path_of(parent.directory)) {
      names.push_back(directory->empty() ? parent.name : *directory + "/" + parent.name);
    }
  }
  return names;
}

// Empty for the root.
const std::optional<std::string>& ParentPointers::path_of(const kernel::InodeId& directory) {
  const auto [entry, is_new] = paths_.try_emplace(directory);
  if (is_new) {
    entry->second = climb_from(directory);
  }
  return entry->second;
}

// Nothing where the way up does not meet the root of the mount. Each step makes the path longer: a ring has an end too.
std::optional<std::string> ParentPointers::climb_from(kernel::InodeId directory) const {
  std::string path;
  while (directory != *root_) {
    const auto parents = kernel::xfs_parents(fs_.root.get(), directory, 1);
    if (!parents || parents->empty() || path.size() >= PATH_MAX) {
      return std::nullopt;
    }
    path = path.empty() ? parents->front().name : parents->front().name + "/" + path;
    directory = parents->front().directory;
  }
  return path;
}

}  // namespace pmend::rmap
