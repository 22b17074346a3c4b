// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/name_check.hpp"

#include "pmend/kernel/open_beneath.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string_view>

namespace pmend::rmap {

std::optional<std::string> path_of_descriptor(const OpenFs& fs, int fd) {
  if (fs.root_path.empty()) {
    return std::nullopt;
  }
  const auto path = kernel::path_of(fs.descriptors.get(), fd);
  if (!path) {
    return std::nullopt;
  }
  const std::string_view below = *path;
  const std::string_view mount = fs.root_path == "/" ? std::string_view() : std::string_view(fs.root_path);
  if (below == fs.root_path) {
    return ".";
  }
  return below.starts_with(mount) && below.substr(mount.size()).starts_with('/')
             ? std::optional<std::string>(below.substr(mount.size() + 1))
             : std::nullopt;
}

std::optional<std::string> known_name(const OpenFs& fs, int fd, std::uint64_t inode) {
  auto path = path_of_descriptor(fs, fd);
  struct stat status = {};
  const bool right = path &&
                     fstatat(fs.root.get(), path->c_str(), &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0 &&
                     status.st_dev == fs.mounted.device && status.st_ino == inode && status.st_nlink == 1;
  return right ? path : std::nullopt;
}

bool leads_to(const OpenFs& fs, const std::string& name, std::uint64_t inode) {
  const auto fd = kernel::open_beneath(fs.root.get(), name, O_PATH | O_NOFOLLOW);
  struct stat status = {};
  return fd && fstat(fd->get(), &status) == 0 && status.st_dev == fs.mounted.device && status.st_ino == inode;
}

void keep_true_names(const OpenFs& fs, std::uint64_t inode, std::vector<std::string>& names) {
  // A name that moved meanwhile may have been met twice.
  std::ranges::sort(names);
  const auto same = std::ranges::unique(names);
  names.erase(same.begin(), same.end());
  std::erase_if(names, [&fs, inode](const std::string& name) { return !leads_to(fs, name, inode); });
}

}  // namespace pmend::rmap
