// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/prepare.hpp"
#include "pmend/repair/proof.hpp"

#include <string>
#include <vector>

// What a job with a plan of the method `exchange` does before its first step and after its last one; the steps are in
// methods/exchange.hpp.
namespace pmend::repair {

// A unit as plan_exchange() makes them: whole pages, each mapping all of it.
Obstacle check_exchange_unit(const PlannedUnit& planned, const Place& place);

// As prepare().
tl::expected<Spool, Ending> prepare_exchange(const protocol::RepairRequest& request, const Place& place,
                                             const std::string& spool_directory);

// As prove_job(). A block that is still listed counts as dealt with where the quarantine has it.
Result<JobProof> prove_exchange(const std::vector<UnitWork>& work, std::optional<FileTime> own_time);

}  // namespace pmend::repair
