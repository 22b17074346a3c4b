// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/names.hpp"

#include "pmend/rmap/claim.hpp"
#include "pmend/rmap/name_check.hpp"
#include "pmend/rmap/names_by_parents.hpp"
#include "pmend/rmap/names_by_table.hpp"
#include "pmend/rmap/tree_walk.hpp"

#include <sys/stat.h>

#include <utility>

namespace pmend::rmap {
namespace {

constexpr int kParentTries = 2;  // directories may be renamed while a path is put together

using Clock = std::chrono::steady_clock;

struct SoughtInode {
  kernel::InodeId id;
  UniqueFd path;
  struct stat status = {};

  Status look() {
    return fstat(path.get(), &status) < 0 ? fail_errno("fstat inode " + std::to_string(id.inode)) : Status();
  }
  bool is_directory() const { return S_ISDIR(status.st_mode); }
  // The links of a directory are its subdirectories'; it has one name.
  std::size_t links() const { return is_directory() ? 1 : status.st_nlink; }
};

Result<SoughtInode> open_sought(const OpenFs& fs, const kernel::InodeId& id) {
  auto path = kernel::open_path_by_id(fs.root.get(), fs.style, id);
  if (!path) {
    return tl::make_unexpected(path.error());
  }
  SoughtInode sought{id, std::move(*path)};
  if (const auto looked = sought.look(); !looked) {
    return tl::make_unexpected(looked.error());
  }
  return sought;
}

// One question for names.
class NameFinder {
 public:
  NameFinder(const OpenFs& fs, const ParentTable* parents, const NameSearch& search)
      : fs_(fs), search_(search), pointers_(fs), end_(Clock::now() + search.limit) {
    if (parents != nullptr) {
      parents_ = *parents;
    }
  }

  FoundNames run(const std::set<kernel::InodeId>& inodes) {
    if (search_.only && needs_table(*search_.only) && parents_.links().empty()) {
      walk({});
      parents_ = found_.table.value_or(ParentTable());
    }
    std::set<kernel::InodeId> rest;
    for (const kernel::InodeId& inode : inodes) {
      if (Clock::now() >= end_ || !find_at_once(inode)) {
        rest.insert(inode);
      }
    }
    if (!rest.empty() && allows(NameMethod::kTreeWalk)) {
      walk(rest);
    }
    std::erase_if(found_.by_inode, [](const auto& entry) { return entry.second.names.empty(); });
    return std::move(found_);
  }

 private:
  static bool needs_table(NameMethod method) {
    return method == NameMethod::kConnectableHandle || method == NameMethod::kDirectory;
  }

  bool allows(NameMethod method) const { return !search_.only || search_.only == method; }

  // Without a walk; false if not all names came together.
  bool find_at_once(const kernel::InodeId& inode) {
    auto sought = open_sought(fs_, inode);
    if (!sought) {
      return sought.error().is_errno(ESTALE);  // gone: no names
    }
    return sought->links() == 0 || find_by_path(*sought) || find_by_parents(*sought) || find_by_handle(*sought) ||
           find_by_directory(*sought);
  }

  // As the kernel knows it: of a directory always, of a file if it has not forgotten by what name it was reached last.
  bool find_by_path(SoughtInode& sought) {
    if (!sought.is_directory()) {
      auto name = sought.links() == 1 && allows(NameMethod::kPath) ? known_name(fs_, sought.path.get(), sought.id.inode)
                                                                   : std::nullopt;
      return name && take(sought, {std::move(*name)}, kNamesByPath);
    }
    const auto path =
        allows(NameMethod::kConnectableHandle) ? path_of_descriptor(fs_, sought.path.get()) : std::nullopt;
    return path && take(sought, {*path}, kNamesByHandle);
  }

  // Who remembers all names is believed even where some of them cannot be looked up, being under a mount, say.
  bool find_by_parents(SoughtInode& sought) {
    bool asked = false;
    for (int i = 0; i < kParentTries && allows(NameMethod::kParentPointers); ++i) {
      auto names = pointers_.names_of(sought.id);
      if (!names) {
        return false;
      }
      asked = true;
      if (take(sought, std::move(*names), kNamesByParents)) {
        return true;
      }
      pointers_.forget();
    }
    return asked;
  }

  // A file that has several names may be shown by the same one each time.
  bool find_by_handle(SoughtInode& sought) {
    return allows(NameMethod::kConnectableHandle) && !sought.is_directory() && (sought.links() == 1 || search_.only) &&
           take(sought, names_by_handle(fs_, parents_, sought.id), kNamesByHandle);
  }

  bool find_by_directory(SoughtInode& sought) {
    return allows(NameMethod::kDirectory) && !sought.is_directory() &&
           take(sought, names_by_directory(fs_, parents_, sought.id), kNamesByDirectory);
  }

  // Keeps the names that are true; false if those are not all. The number of links must be no older than the names.
  bool take(SoughtInode& sought, std::vector<std::string> names, unsigned evidence) {
    keep_true_names(fs_, sought.id.inode, names);
    const bool looked = sought.look().has_value();
    const bool all = looked && names.size() == sought.links();
    found_.by_inode[sought.id.inode] = {std::move(names), evidence, looked ? sought.links() : 0};
    return all;
  }

  // In place of what was found of these inodes before.
  void walk(const std::set<kernel::InodeId>& wanted) {
    std::set<std::uint64_t> inodes;
    for (const kernel::InodeId& id : wanted) {
      inodes.insert(id.inode);
      found_.by_inode[id.inode] = {{}, kNamesByWalk, 0};
    }
    std::vector<ParentLink> links;
    bool in_time = true;
    const WalkReport report = walk_tree(fs_, [&](const TreeEntry& entry) {
      if (inodes.contains(entry.inode) && found_.by_inode[entry.inode].names.size() < kMostNames) {
        found_.by_inode[entry.inode].names.push_back(entry.path());
      }
      if (entry.type != DT_DIR && links.size() <= search_.most_links) {
        links.push_back({static_cast<std::uint32_t>(entry.inode), static_cast<std::uint32_t>(entry.directory_inode)});
      }
      in_time = Clock::now() < end_;
      return in_time ? WalkNext::kGoOn : WalkNext::kEnd;
    });
    for (const kernel::InodeId& id : wanted) {
      NamesOfInode& found = found_.by_inode[id.inode];
      keep_true_names(fs_, id.inode, found.names);
      const auto sought = open_sought(fs_, id);
      found.links = sought ? sought->links() : 0;
    }
    // What was skipped has to be walked for again anyway.
    if (in_time && !report.stopped && links.size() <= search_.most_links) {
      found_.table = ParentTable::build(std::move(links));
    }
  }

  const OpenFs& fs_;
  const NameSearch& search_;
  ParentPointers pointers_;
  ParentTable parents_;
  Clock::time_point end_;
  FoundNames found_;
};

}  // namespace

FoundNames find_names(const OpenFs& fs, const ParentTable* parents, const std::set<kernel::InodeId>& inodes,
                      const NameSearch& search) {
  return NameFinder(fs, parents, search).run(inodes);
}

std::string absolute_path(const std::string& mount_point, const std::string& name) {
  if (name == ".") {
    return mount_point;
  }
  return mount_point.ends_with('/') ? mount_point + name : mount_point + "/" + name;
}

}  // namespace pmend::rmap
