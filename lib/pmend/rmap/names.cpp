// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/names.hpp"

#include "pmend/kernel/handles.hpp"
#include "pmend/kernel/open_beneath.hpp"
#include "pmend/rmap/tree_walk.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace pmend::rmap {
namespace {

// Of one inode: more do not fit into an answer, and a file can have millions.
constexpr std::size_t kMostNames = 2000;

// Below the root of the mount, or nothing. Of a directory always; of a file whose handle told its parent.
std::optional<std::string> path_of_descriptor(const OpenFs& fs, int fd) {
  std::array<char, PATH_MAX> root{};
  std::array<char, PATH_MAX> path{};
  const ssize_t root_length =
      readlink(("/proc/self/fd/" + std::to_string(fs.root.get())).c_str(), root.data(), root.size());
  const ssize_t length = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size());
  if (root_length <= 0 || length <= 0) {
    return std::nullopt;
  }
  std::string_view below(path.data(), static_cast<std::size_t>(length));
  std::string_view mount(root.data(), static_cast<std::size_t>(root_length));
  mount = mount == "/" ? std::string_view() : mount;
  if (below == mount) {
    return ".";
  }
  return below.starts_with(mount) && below.substr(mount.size()).starts_with('/')
             ? std::optional<std::string>(below.substr(mount.size() + 1))
             : std::nullopt;
}

bool leads_to(const OpenFs& fs, const std::string& name, std::uint64_t inode) {
  const auto fd = kernel::open_beneath(fs.root.get(), name, O_PATH | O_NOFOLLOW);
  struct stat status = {};
  return fd && fstat(fd->get(), &status) == 0 && status.st_dev == fs.mounted.device && status.st_ino == inode;
}

// The names of an inode in one directory: all of them by reading it, or the one that the kernel finds.
void add_names_in(const OpenFs& fs, std::uint32_t directory, std::uint64_t inode, bool has_one_name,
                  std::vector<std::string>& paths) {
  if (has_one_name) {
    const auto fd = kernel::open_path_by_id_and_parent(fs.root.get(), fs.style, {inode, 0}, {directory, 0});
    const auto path = fd ? path_of_descriptor(fs, fd->get()) : std::nullopt;
    if (path && leads_to(fs, *path, inode)) {
      paths.push_back(*path);
      return;
    }
  }
  const auto fd = kernel::open_path_by_id(fs.root.get(), fs.style, {directory, 0});
  auto path = fd ? path_of_descriptor(fs, fd->get()) : std::nullopt;
  if (!path) {
    return;
  }
  // Names that are not seen are missed in the count of links.
  (void)visit_directory(fs, *path == "." ? "" : *path, [&](const TreeEntry& entry) {
    if (entry.inode == inode && paths.size() < kMostNames) {
      paths.push_back(entry.path());
    }
    return WalkNext::kGoOn;
  });
}

void remove_doubles_and_strays(const OpenFs& fs, std::uint64_t inode, std::vector<std::string>& paths) {
  // A name that moved meanwhile may have been met twice.
  std::ranges::sort(paths);
  const auto same = std::ranges::unique(paths);
  paths.erase(same.begin(), same.end());
  std::erase_if(paths, [&fs, inode](const std::string& path) { return !leads_to(fs, path, inode); });
}

// Without a walk; false if not all names came together. What the table has is only where to look.
bool add_names_by_parents(const OpenFs& fs, const ParentTable& parents, std::uint64_t inode,
                          std::vector<std::string>& paths) {
  const auto fd = kernel::open_path_by_id(fs.root.get(), fs.style, {inode, 0});
  struct stat status = {};
  if (!fd || fstat(fd->get(), &status) < 0) {
    return false;
  }
  if (S_ISDIR(status.st_mode)) {
    if (const auto path = path_of_descriptor(fs, fd->get())) {
      paths.push_back(*path);
    }
  } else {
    for (const std::uint32_t directory : parents.directories_of(static_cast<std::uint32_t>(inode))) {
      add_names_in(fs, directory, inode, status.st_nlink == 1, paths);
    }
  }
  remove_doubles_and_strays(fs, inode, paths);
  return paths.size() == (S_ISDIR(status.st_mode) ? 1 : status.st_nlink);
}

}  // namespace

NamesByInode find_names(const OpenFs& fs, const ParentTable* parents, const std::set<std::uint64_t>& inodes,
                        std::chrono::milliseconds limit) {
  NamesByInode names;
  const auto end = std::chrono::steady_clock::now() + limit;
  std::set<std::uint64_t> rest;
  for (const std::uint64_t inode : inodes) {
    const bool known = parents != nullptr && std::chrono::steady_clock::now() < end &&
                       add_names_by_parents(fs, *parents, inode, names[inode]);
    if (!known) {
      rest.insert(inode);
    }
  }
  if (!rest.empty()) {
    walk_tree(fs, [&](const TreeEntry& entry) {
      if (rest.contains(entry.inode) && names[entry.inode].size() < kMostNames) {
        names[entry.inode].push_back(entry.path());
      }
      return std::chrono::steady_clock::now() < end ? WalkNext::kGoOn : WalkNext::kEnd;
    });
  }
  for (const std::uint64_t inode : rest) {
    remove_doubles_and_strays(fs, inode, names[inode]);
  }
  std::erase_if(names, [](const auto& entry) { return entry.second.empty(); });
  return names;
}

std::string absolute_path(const std::string& mount_point, const std::string& name) {
  if (name == ".") {
    return mount_point;
  }
  return mount_point.ends_with('/') ? mount_point + name : mount_point + "/" + name;
}

}  // namespace pmend::rmap
