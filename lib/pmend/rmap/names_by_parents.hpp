// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/open_fs.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pmend::rmap {

// The names that inodes of XFS remember themselves (parent pointers), as paths below the root of the mount. Not
// checked: directories can be renamed while they are put together.
class ParentPointers {
 public:
  explicit ParentPointers(const OpenFs& fs);

  // Of a file or directory. Names that are not below the root are left out. Errors: as kernel::xfs_parents();
  // kUnsupported on other file systems.
  Result<std::vector<std::string>> names_of(const kernel::InodeId& id);
  // The paths of directories, which are asked for once.
  void forget() { paths_.clear(); }

 private:
  const std::optional<std::string>& path_of(const kernel::InodeId& directory);
  std::optional<std::string> climb_from(kernel::InodeId directory) const;

  const OpenFs& fs_;
  std::optional<kernel::InodeId> root_;
  std::map<kernel::InodeId, std::optional<std::string>> paths_;
};

}  // namespace pmend::rmap
