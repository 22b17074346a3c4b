// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"

#include <filesystem>
#include <string>

namespace pmend::world {

// The name that every world's directory begins with, below the system's directory for temporary files.
inline constexpr const char* kWorldPrefix = "pmend-world-";

// A directory of its own for one test, removed with all it holds at the end. While it lives, its file "lock" is held
// (flock(2)), so that pmend-world-reap can tell a directory in use from one that a killed test left behind.
class TempDir {
 public:
  TempDir();
  TempDir(TempDir&& other) noexcept = default;
  TempDir& operator=(TempDir&&) = delete;
  ~TempDir();

  const std::filesystem::path& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
  UniqueFd lock_;
};

}  // namespace pmend::world
