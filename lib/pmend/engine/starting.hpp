// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/core.hpp"

// The first input and the last one, and time.
namespace pmend::engine {

void on(Core& core, const Loaded& input);
void on(Core& core, const Tick& input);
void on(Core& core, const Shutdown& input);

// Asks for the next Tick.
void arm_timer(Core& core);

}  // namespace pmend::engine
