// SPDX-License-Identifier: Apache-2.0
#include "support/kept_pages.hpp"

#include "pmend/base/unique_fd.hpp"
#include "support/must.hpp"

#include <fcntl.h>
#include <sys/mman.h>

namespace pmend::world {

KeptPages::KeptPages(const std::string& path, std::uint64_t size) : size_(size) {
  const UniqueFd fd = must(open_file(path, O_RDONLY));
  data_ = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (data_ == MAP_FAILED || mlock(data_, size) < 0) {
    throw Failure(fail_errno("mlock " + path).value().message());
  }
}

KeptPages::~KeptPages() {
  munmap(data_, size_);
}

}  // namespace pmend::world
