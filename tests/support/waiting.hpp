// SPDX-License-Identifier: Apache-2.0
// Waiting for what another process or the kernel does.
#pragma once

#include <chrono>
#include <functional>

namespace pmend::world {

// Looks again after each pause until it holds. False if it does not within the limit.
bool until(std::chrono::milliseconds limit, const std::function<bool()>& holds,
           std::chrono::milliseconds pause = std::chrono::milliseconds(5));

}  // namespace pmend::world
