// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/input.hpp"

#include <functional>

namespace pmend::daemon {

// Queues what happened for the engine; never calls back from inside.
using PutInput = std::function<void(engine::Input)>;

}  // namespace pmend::daemon
