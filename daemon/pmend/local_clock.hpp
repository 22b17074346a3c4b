// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/engine/input.hpp"
#include "pmend/policy/facts.hpp"

#include <optional>

namespace pmend::daemon {

// What the clock on the wall shows here; nothing where that cannot be said.
std::optional<LocalTime> local_time(WallTime wall);

engine::Tick tick_of(const Clock& clock);

}  // namespace pmend::daemon
