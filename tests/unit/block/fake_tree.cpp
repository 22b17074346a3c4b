// SPDX-License-Identifier: Apache-2.0
#include "unit/block/fake_tree.hpp"

#include <stdlib.h>

#include <fstream>
#include <stdexcept>

namespace pmend::testing_support {

FakeTree::FakeTree() {
  std::string pattern = std::filesystem::temp_directory_path() / "pmend-tree-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("mkdtemp " + pattern);
  }
  // Without links on the way, so that expected paths can be written down.
  root_ = std::filesystem::canonical(pattern);
}

FakeTree::~FakeTree() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

void FakeTree::file(const std::string& path, const std::string& content) const {
  std::filesystem::create_directories((root_ / path).parent_path());
  std::ofstream(root_ / path, std::ios::binary) << content;
}

void FakeTree::link(const std::string& path, const std::string& target) const {
  std::filesystem::create_directories((root_ / path).parent_path());
  std::filesystem::create_symlink(target, root_ / path);
}

void FakeTree::directory(const std::string& path) const {
  std::filesystem::create_directories(root_ / path);
}

}  // namespace pmend::testing_support
