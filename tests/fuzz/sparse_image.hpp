// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace pmend::fuzz {

// An image in memory, zeros but for what records of the input say: place in the image in units of 64 bytes (16 bits),
// length in bytes (16 bits), and so many bytes. What does not fit any more is cut off. make_seeds.py writes the same of
// a real image.
class SparseImage {
 public:
  static constexpr std::uint64_t kUnit = 64;
  static constexpr std::uint64_t kBytes = kUnit << 16U;

  SparseImage();
  // Everything of the image before is gone.
  void fill(std::span<const std::byte> records) const;
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace pmend::fuzz
