// SPDX-License-Identifier: Apache-2.0
#include "support/waiting.hpp"

#include <thread>

namespace pmend::world {

bool until(std::chrono::milliseconds limit, const std::function<bool()>& holds, std::chrono::milliseconds pause) {
  for (const auto end = std::chrono::steady_clock::now() + limit; !holds(); std::this_thread::sleep_for(pause)) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
  }
  return true;
}

}  // namespace pmend::world
