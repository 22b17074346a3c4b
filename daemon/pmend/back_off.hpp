// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>

namespace pmend::daemon {

// How long to wait before something that failed is tried again: one second, then twice as long each time, at most a
// minute.
class BackOff {
 public:
  static constexpr std::chrono::seconds kLeast{1};
  static constexpr std::chrono::seconds kMost{60};

  std::chrono::seconds next() {
    const std::chrono::seconds now = next_;
    next_ = std::min(next_ * 2, kMost);
    return now;
  }
  void reset() { next_ = kLeast; }

 private:
  std::chrono::seconds next_ = kLeast;
};

}  // namespace pmend::daemon
