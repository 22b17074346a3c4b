// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/report.hpp"
#include "pmend/repair/unit_work.hpp"

#include <string>
#include <vector>

// Looking after a change. What a system call returned is no part of it.
namespace pmend::repair {

// Whether others may have changed the file since its unit was spooled.
enum class Exclusion {
  kLease,  // no: the unit holds the spool's bytes or not
  kNone,   // perhaps: the unit holds what the file holds, or not
};

// A look at one unit after it was changed.
struct UnitLook {
  bool unlisted = false;    // a complete list does not name it
  bool list_cut = false;    // the list is not complete: it proves nothing
  bool readable = false;    // directly, all of it
  bool equal = false;       // what was read is what the unit must hold
  bool unchanged = false;   // it is as it was before: the same sectors unreadable, the others with the same bytes
  bool neighbours = false;  // what lies around it is as it was

  bool is_proven() const { return unlisted && readable && equal && neighbours; }
};

// Errors: as read_sectors(), and the errno.
Result<UnitLook> look_at_unit(const UnitWork& work, int fd, Exclusion exclusion);

// How a changing step ended: by the look, with the failure of the changing call where there was one.
Ending judge(const UnitLook& look, Exclusion exclusion, const std::optional<Error>& failure);

// The evidence for the whole job. `work` has the units that were changed or found done, at least one. Takes the write
// lease for the time it looks where it can be had. `own_time` is the file's modification time after the last step,
// where that is known: if it is another one now, users of the file have written since, and what they wrote counts as
// right. Errors: as look_at_unit().
struct JobProof {
  Proof proof;
  std::string problem;  // empty if all is proven
  std::string remark;   // what is left, for people
};
Result<JobProof> prove_job(const std::vector<UnitWork>& work, std::optional<FileTime> own_time);

// Adds to a list of problems for people what does not hold.
void add_problem(std::string& problems, bool holds, const char* problem);

}  // namespace pmend::repair
