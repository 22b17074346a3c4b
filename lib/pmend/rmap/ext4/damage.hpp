// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pmend::rmap::ext4 {

// What of a file system's metadata could not be read or not be believed. Reading goes on behind it.
struct Damage {
  std::uint64_t count = 0;
  std::vector<std::string> texts;  // the first few

  void add(std::string what) {
    constexpr std::size_t kMostTexts = 8;
    ++count;
    if (texts.size() < kMostTexts) {
      texts.push_back(std::move(what));
    }
  }
};

}  // namespace pmend::rmap::ext4
