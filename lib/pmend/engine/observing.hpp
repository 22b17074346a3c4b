// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/core.hpp"

// Who owns what is bad, and is it still bad?
namespace pmend::engine {

void on(Core& core, const Observed& input);
void on(Core& core, const ObserveFailed& input);

// Asks about the incidents that want to be looked at: one question per device at a time.
void ask_observations(Core& core);

}  // namespace pmend::engine
