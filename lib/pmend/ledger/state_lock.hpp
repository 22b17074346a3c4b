// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"

#include <string>

namespace pmend::ledger {

// Keeps other pmends out of a state directory: flock(2) on `lock` in it, which also holds our process id for the
// message that they print. The kernel drops the lock when the process ends, however that happens.
class StateLock {
 public:
  // Errors: kRefused "… is taken by pid N"; the errno, with the path, where the directory is missing or not writable.
  static Result<StateLock> take(const std::string& state_dir);

 private:
  explicit StateLock(UniqueFd file) : file_(std::move(file)) {}

  UniqueFd file_;
};

}  // namespace pmend::ledger
