// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/foreign_mounts.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

namespace pmend::block {
namespace {

bool names_block_device(const std::string& node, const BlockDevice& device) {
  if (node == device.node) {
    return true;
  }
  struct stat status = {};
  return node.starts_with('/') && stat(node.c_str(), &status) == 0 && S_ISBLK(status.st_mode) &&
         status.st_rdev == device.number;
}

// "mnt:[4026531841]"; empty if the process is gone or hidden.
std::string namespace_of(const std::string& process) {
  std::error_code error;
  const auto link = std::filesystem::read_symlink(process + "/ns/mnt", error);
  return error ? std::string() : link.native();
}

}  // namespace

// btrfs files have a device number of no device; there the source has to tell.
bool is_mount_of(const Mount& mount, const BlockDevice& device) {
  return mount.device == device.number || (mount.type == "btrfs" && names_block_device(mount.source, device));
}

std::optional<ForeignMount> find_foreign_mount(const SystemRoots& roots, const BlockDevice& device) {
  std::set<std::string> seen = {"", namespace_of(roots.proc + "/self")};
  for (const std::string& name : list_directory(roots.proc)) {
    const std::string process = roots.proc + "/" + name;
    if (name.find_first_not_of("0123456789") != std::string::npos || !seen.insert(namespace_of(process)).second) {
      continue;
    }
    const auto table = read_mounts(process + "/mountinfo");
    const std::vector<Mount> mounts = table ? table->mounts : std::vector<Mount>();
    const auto found = std::ranges::find_if(mounts, [&](const Mount& mount) { return is_mount_of(mount, device); });
    if (found != mounts.end()) {
      return ForeignMount{*found, name};
    }
  }
  return std::nullopt;
}

}  // namespace pmend::block
