// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/core.hpp"

#include <optional>
#include <string>

// Errors that spread: with more new incidents on one medium within an hour than the policy allows, nothing on it is
// repaired any more without a person who knows of it. It does not end by itself, nor by a restart: a person or another
// limit ends it.
namespace pmend::engine {

// Begins the storms that are there now and holds what was queued there. Before jobs are started.
void watch_storms(Core& core);

// Why this repair may not begin although policy wants it, nothing if there is no storm or a person approved it since.
std::optional<std::string> storm_against(const Core& core, const Case& what);

// A person ends the storm on this medium: from here on it is counted anew.
void resume_medium(Core& core, const std::string& medium, const std::string& who);
// Ends those that a higher limit of the policy allows.
void end_storms_below_limit(Core& core);

// An incident of a former pmend counts if it is new enough.
void note_past_incident(Core& core, const Device& device, const Incident& incident);
void forget_old_incidents(Core& core);

// Remembers the device as it is now.
void put_device(Core& core, const Device& device);

}  // namespace pmend::engine
