// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/methods/method.hpp"
#include "pmend/repair/prepare.hpp"

#include <string>

// Gives a file on XFS a new block for a bad one, also while it is in use, and each of the files that share the block.
// The new block is made in a file of its own, the donor, in the quarantine; the kernel exchanges the two blocks, as one
// action, unless the file was changed since it was salvaged. What the donor holds then is the bad block: it is cleared
// there where the medium can be written, else it stays in the quarantine, where nobody is given it.
//
// Which step is next is not remembered but looked at, so that a job that was cut off anywhere goes on by itself.
namespace pmend::repair {

// The next step for a unit whose old block was not cleared yet. Unexpected: why there is none.
tl::expected<Course, Ending> course_of_exchange(const UnitWork& work);

// Course::kDonor: makes the donors anew. Nothing of the files is touched.
MethodResult make_donors(const UnitWork& work);

// Course::kExchange: for each file that still has the bad block.
MethodResult exchange(const UnitWork& work);

// Course::kClear: zeros for the old block, by way of the donor that has it. Succeeds only if it can be read again and
// is no longer listed; the donor is still there then.
MethodResult clear_old_block(const UnitWork& work);

// Takes away the unit's donors that do not have the old block, or all where it was cleared. Errors: the errno.
enum class OldBlock { kIsKept, kWasCleared };
Status remove_donors(const UnitWork& work, OldBlock old_block);

// True if a donor has the unit's old block, and nobody else. Errors: as look_at_donors().
Result<bool> is_quarantined(const UnitWork& work);

// Where the old block is, for people.
std::string quarantine_text(const UnitWork& work);

// Takes away donors of jobs that have no spool any more, if they hold no bad sector: of workers that died before they
// used them. What cannot be removed stays and is found again.
void remove_forgotten_donors(const Place& place, const std::string& spool_directory);

}  // namespace pmend::repair
