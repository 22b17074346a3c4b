// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/core.hpp"

// What people ask for. Whether they may is settled before.
namespace pmend::engine {

void on(Core& core, const OperatorRequest& input);

}  // namespace pmend::engine
