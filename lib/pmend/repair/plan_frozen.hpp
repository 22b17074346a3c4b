// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/outcome_from_errno.hpp"
#include "pmend/repair/planner.hpp"

// Planning `frozen-write`, for what no write through a file reaches: files in use, shared extents, tail blocks, files
// whose attributes a write would change, immutable files, running programs, preallocated and free space.
namespace pmend::repair {

// True if the request allows the method and the owners are such that it could be used.
bool may_freeze(const protocol::PlanRequest& request);

// One unit for each run of bad logical blocks that belongs to the same owners; good blocks are not touched.
protocol::PlanReply plan_frozen(const Place& place, const protocol::PlanRequest& request);

// Why the file system must not be frozen now, or nothing written on its device; nothing means go on.
std::optional<Ending> freeze_obstacle(const Place& place);

// Who has the unit now is exactly whom the mappings name, found by the reverse map. For free space: nobody has it.
std::optional<Ending> owners_obstacle(const Place& place, const PlannedUnit& planned);

}  // namespace pmend::repair
