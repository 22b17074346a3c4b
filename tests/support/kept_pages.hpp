// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace pmend::world {

// All pages of a file, read and kept in the page cache: else the machine may drop them at any moment.
class KeptPages {
 public:
  // Throws Failure.
  KeptPages(const std::string& path, std::uint64_t size);
  KeptPages(const KeptPages&) = delete;
  KeptPages& operator=(const KeptPages&) = delete;
  ~KeptPages();

 private:
  void* data_;
  std::uint64_t size_;
};

}  // namespace pmend::world
