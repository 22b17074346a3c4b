// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/storage_users.hpp"

#include <sys/stat.h>

#include <sstream>

namespace pmend::block {
namespace {

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

// seq_path() writes blank, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      bytes += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      bytes += text[i];
    }
  }
  return bytes;
}

StorageUser make_user(StorageUserKind kind, std::string name, std::string path) {
  StorageUser user;
  user.kind = kind;
  user.name = std::move(name);
  struct stat status = {};
  if (stat(path.c_str(), &status) == 0) {
    if (S_ISBLK(status.st_mode)) {
      user.block_device = status.st_rdev;
    } else {
      user.file_device = status.st_dev;
      user.inode = status.st_ino;
    }
  }
  user.path = std::move(path);
  return user;
}

void add_targets(const SystemRoots& roots, std::vector<StorageUser>& users) {
  const std::string core = roots.sysfs + "/kernel/config/target/core";
  for (const std::string& backend : list_directory(core)) {
    for (const std::string& object : list_directory(core + "/" + backend)) {
      const auto path = read_attribute(core + "/" + backend + "/" + object, "udev_path");
      if (path && !path->empty()) {
        users.push_back(make_user(StorageUserKind::kTarget, "target " + backend + "/" + object, *path));
      }
    }
  }
}

}  // namespace

std::vector<std::string> parse_swaps(std::string_view swaps) {
  std::vector<std::string> paths;
  std::istringstream lines{std::string(swaps)};
  for (std::string line; std::getline(lines, line);) {
    // The first line is a heading; every other one begins with the path.
    const std::string_view path = std::string_view(line).substr(0, line.find_first_of(" \t"));
    if (path.starts_with('/')) {
      paths.push_back(unescape(path));
    }
  }
  return paths;
}

std::vector<StorageUser> read_storage_users(const SystemRoots& roots) {
  std::vector<StorageUser> users;
  for (std::string& path : parse_swaps(read_attribute(roots.proc, "swaps").value_or(""))) {
    users.push_back(make_user(StorageUserKind::kSwap, "swap", std::move(path)));
  }
  for (const std::string& name : list_directory(roots.sysfs + "/block")) {
    auto file = read_attribute(roots.sysfs + "/block/" + name, "loop/backing_file");
    if (file) {
      users.push_back(make_user(StorageUserKind::kLoop, name, std::move(*file)));
    }
  }
  add_targets(roots, users);
  return users;
}

}  // namespace pmend::block
