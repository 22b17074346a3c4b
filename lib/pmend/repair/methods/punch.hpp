// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/prepare.hpp"
#include "pmend/repair/unit_work.hpp"

#include <cstddef>
#include <vector>

// `punch`, the old dance: the blocks of a unit are given back to the file system (FALLOC_FL_PUNCH_HOLE), and the
// rebuilt unit is written through the file, which gets other blocks for it, or the same ones. Only the write of the
// same ones can clear them; else the bad block is free space afterwards, and stays bad until somebody is given it and
// writes it.
//
// Between the two the file has zeros where the unit was. A worker that dies there leaves that to the next one, which
// must tell its hole from one that a user has made since: the spool knows when it was made, and what others do to the
// file later gives it another change time.
namespace pmend::repair {

// What the file has now where the unit was.
struct PunchLook {
  bool in_place = false;         // the planned blocks, as written data of its own
  bool readable = false;         // directly, all of it
  bool equal = false;            // written data of its own, with the bytes of the spool
  bool leftover = false;         // nothing but holes, preallocated space, zeros, sectors of the spool and bad ones
  bool keeps_old = true;         // some of the planned blocks
  std::vector<std::byte> bytes;  // zeros where there are none
};
// Errors: the errno, and those of read_sectors().
Result<PunchLook> look_at_punched(const UnitWork& work, int fd);

// True if a worker of this job was the last to change the file: it was about to give back the unit's blocks then.
bool is_own_punch(const UnitWork& work, const FileTime& changed);

// Gives the blocks of the unit back. Under the lease. Errors: the errno of fallocate(2), and those of the spool.
Status give_blocks_back(const UnitWork& work, int fd);

// For a unit of a resumed job that is not in its planned place any more. Unexpected: why it must not be touched.
tl::expected<Course, Ending> course_of_punched(const UnitWork& work, const PunchLook& look, const FileTime& changed);

// How the step ended; `neighbours` says whether what lies around the unit is what it was.
Ending judge_punch(const UnitWork& work, const PunchLook& look, bool neighbours, const std::optional<Error>& failure);

}  // namespace pmend::repair
