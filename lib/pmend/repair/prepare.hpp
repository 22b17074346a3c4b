// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/repair_verbs.hpp"
#include "pmend/repair/methods/method.hpp"
#include "pmend/repair/spool.hpp"

#include <tl/expected.hpp>

#include <string>

// What a job does before its first changing step, and what it finds when an earlier worker of the job was cut off.
namespace pmend::repair {

// Nothing of the plan is taken on trust: its hash, machine, device, shape and methods are checked. `same_boot` is false
// for a job that is resumed, perhaps after a restart of the machine.
Obstacle check_plan(const protocol::RepairRequest& request, const Place& place, bool same_boot);

// Looks at everything again, salvages every unit and spools it. Unexpected: why there is no job; kUnnecessary where
// nothing is bad any more.
tl::expected<Spool, Ending> prepare(const protocol::RepairRequest& request, const Place& place,
                                    const std::string& spool_directory);

// The spool that an earlier worker made for this plan. Unexpected: kInterrupted where it was never complete, for then
// nothing was begun.
tl::expected<Spool, Ending> open_begun(const protocol::RepairRequest& request, const std::string& spool_directory);

// What is left to do for one unit.
enum class Course {
  kNothing,  // it is as it must be
  kRedirty,
  kRewrite,       // or recovery-write; the first time
  kRewriteBegun,  // after a worker that was cut off
  kDonor,         // the three of methods/exchange.hpp
  kExchange,
  kClear,
  kFrozenWrite,  // the first time
  kFrozenBegun,
};
// For a unit that nobody has begun.
Course course_of(const Unit& unit);
// For a unit of a resumed job. Unexpected: why it must not be touched.
tl::expected<Course, Ending> course_of_begun(const UnitWork& work);

}  // namespace pmend::repair
