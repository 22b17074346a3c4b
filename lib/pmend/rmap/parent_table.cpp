// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/parent_table.hpp"

#include "pmend/rmap/radix_sort.hpp"

#include <algorithm>
#include <utility>

namespace pmend::rmap {

ParentTable ParentTable::build(std::vector<ParentLink> links) {
  radix_sort(links, [](const ParentLink& link) { return std::uint64_t{link.inode}; });
  const auto kept = std::make_shared<const std::vector<ParentLink>>(std::move(links));
  return {kept, *kept};
}

ParentTable::ParentTable(std::shared_ptr<const void> keep, std::span<const ParentLink> links)
    : keep_(std::move(keep)), links_(links) {}

std::vector<std::uint32_t> ParentTable::directories_of(std::uint32_t inode) const {
  std::vector<std::uint32_t> directories;
  const auto found = std::ranges::equal_range(links_, inode, {}, &ParentLink::inode);
  for (const ParentLink& link : found) {
    directories.push_back(link.directory);
  }
  std::ranges::sort(directories);
  const auto same = std::ranges::unique(directories);
  directories.erase(same.begin(), same.end());
  return directories;
}

}  // namespace pmend::rmap
