// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/core.hpp"

// What would be done to an incident?
namespace pmend::engine {

void on(Core& core, const Planned& input);
void on(Core& core, const PlanRefused& input);

// Asks for the plans that are missing, a limited number at a time.
void ask_plans(Core& core);

}  // namespace pmend::engine
