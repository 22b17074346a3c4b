// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace pmend::rmap::ext4 {

inline constexpr const char* kMke2fs = "/sbin/mke2fs";

// A small ext4 in a file, made by mke2fs(8) out of a directory: no root, no mount.
class Image {
 public:
  explicit Image(const std::vector<std::string>& mke2fs_options);
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;
  ~Image();

  int fd() const { return fd_.get(); }
  std::uint64_t bytes() const { return whole_.size(); }
  void write(std::uint64_t offset, std::span<const std::byte> bytes) const;
  // As it was made.
  void restore(std::uint64_t offset, std::uint64_t length) const;
  std::span<const std::byte> original() const { return whole_; }

 private:
  std::filesystem::path directory_;
  UniqueFd fd_;
  std::vector<std::byte> whole_;
};

}  // namespace pmend::rmap::ext4
