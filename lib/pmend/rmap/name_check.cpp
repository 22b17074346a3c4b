// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/name_check.hpp"

#include "pmend/kernel/bulkstat.hpp"
#include "pmend/kernel/open_beneath.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace pmend::rmap {

Result<kernel::InodeId> current_id(const OpenFs& fs, std::uint64_t inode) {
  if (fs.style == kernel::HandleStyle::kExt4) {
    return kernel::InodeId{inode, 0};
  }
  const auto record = kernel::bulkstat_one(fs.root.get(), inode);
  if (!record) {
    return tl::make_unexpected(record.error());
  }
  return *record ? Result<kernel::InodeId>(kernel::InodeId{inode, (*record)->generation})
                 : fail(Errc::kStale, "inode " + std::to_string(inode) + " is not in use");
}

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

void keep_true_names(const OpenFs& fs, std::uint64_t inode, std::vector<std::string>& names) {
  // A name that moved meanwhile may have been met twice.
  std::ranges::sort(names);
  const auto same = std::ranges::unique(names);
  names.erase(same.begin(), same.end());
  std::erase_if(names, [&fs, inode](const std::string& name) { return !leads_to(fs, name, inode); });
}

}  // namespace pmend::rmap
