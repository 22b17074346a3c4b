// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace pmend::rmap {

// An inode has a name in this directory. The numbers are cut to 32 bits: those of a large XFS have more, and who asks
// finds out which of the few that may be meant are.
struct ParentLink {
  std::uint32_t inode = 0;
  std::uint32_t directory = 0;

  friend auto operator<=>(const ParentLink&, const ParentLink&) = default;
};

// Who has names in which directories, 8 bytes a name. Read-only once it is built; copies share their memory.
class ParentTable {
 public:
  ParentTable() = default;
  static ParentTable build(std::vector<ParentLink> links);
  // Over memory of somebody else, which `keep` keeps.
  ParentTable(std::shared_ptr<const void> keep, std::span<const ParentLink> links);

  // The directories that have a name of the inode, each once.
  std::vector<std::uint32_t> directories_of(std::uint32_t inode) const;
  std::span<const ParentLink> links() const { return links_; }

 private:
  std::shared_ptr<const void> keep_;
  std::span<const ParentLink> links_;  // by inode
};

}  // namespace pmend::rmap
