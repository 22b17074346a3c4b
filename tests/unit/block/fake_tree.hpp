// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace pmend::testing_support {

// A directory tree in a temporary directory that stands for /sys or /proc; removed at the end.
class FakeTree {
 public:
  FakeTree();
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;
  ~FakeTree();

  // Paths are relative to the root; directories are made as needed.
  void file(const std::string& path, const std::string& content) const;
  void link(const std::string& path, const std::string& target) const;
  void directory(const std::string& path) const;

  std::string path(const std::string& name = "") const { return root_ / name; }

 private:
  std::filesystem::path root_;
};

}  // namespace pmend::testing_support
