// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/job.hpp"
#include "pmend/repair/prepare.hpp"
#include "pmend/repair/proof.hpp"

// What a job does around the changing steps where its plan is of frozen writes: as prepare.hpp and proof.hpp, for units
// of several files or of none.
namespace pmend::repair {

tl::expected<Spool, Ending> prepare_frozen(const protocol::RepairRequest& request, const Place& place,
                                           const std::string& spool_directory);

tl::expected<Course, Ending> course_of_begun_frozen(const UnitWork& work);

// A resumed job may have units that an earlier worker wrote.
Result<JobProof> prove_frozen(const std::vector<UnitWork>& work, JobKind kind);

}  // namespace pmend::repair
