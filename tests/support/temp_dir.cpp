// SPDX-License-Identifier: Apache-2.0
#include "support/temp_dir.hpp"

#include "support/must.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cstdlib>
#include <system_error>

namespace pmend::world {

TempDir::TempDir() {
  std::string pattern = std::filesystem::temp_directory_path() / (std::string(kWorldPrefix) + "XXXXXX");
  if (mkdtemp(pattern.data()) == nullptr) {
    throw Failure(fail_errno("mkdtemp " + pattern).value().message());
  }
  path_ = pattern;
  lock_ = must(open_file(path_ / "lock", O_RDWR | O_CREAT));
  must_call(flock(lock_.get(), LOCK_EX), "flock " + pattern);
}

TempDir::~TempDir() {
  if (lock_) {
    std::error_code ignored_because_the_reaper_comes_after_us;
    std::filesystem::remove_all(path_, ignored_because_the_reaper_comes_after_us);
  }
}

}  // namespace pmend::world
