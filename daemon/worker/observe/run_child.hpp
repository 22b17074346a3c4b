// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "worker/request_child.hpp"

#include <chrono>
#include <functional>

namespace pmend::worker {

// Does `work` in a child and gives its answer to the loop, as RequestChild does.
using RunChild = std::function<void(std::chrono::milliseconds limit, const std::function<Answer()>& work,
                                    std::function<void(Answer)> on_answer)>;

}  // namespace pmend::worker
