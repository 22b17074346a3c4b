// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/quarantine.hpp"
#include "pmend/repair/unit_work.hpp"

#include <optional>
#include <string>
#include <vector>

// What the parts of `exchange` look at: the files that a plan is about, whose extents may be shared, and the donors.
namespace pmend::repair {

// The files of a plan, each once, in the order in which they are first named.
std::vector<FileId> files_of(const Plan& plan);

// The unit as one of its files has it: what salvage() takes.
PlannedUnit as_one_has_it(const PlannedUnit& planned, const Mapping& mapping);

// How much of a mapping holds data of a file of this size: the exchange of a last block ends where the file ends.
std::uint64_t data_length(const Mapping& mapping, std::uint64_t file_size);

// True if the file has exactly this piece of the device there, in one run, as written data, shared or not.
// Errors: the errno.
Result<bool> lies_at(int fd, const Place& place, std::uint64_t file_offset, const ByteRange& device_range);

// What must be the same after a job that exchanges pieces of files as before it.
struct OwnersLook {
  std::string attributes;  // digest of mode, owner and extended attributes of all files
  std::string extents;     // digest of their mappings, without the units
  std::uint64_t size = 0;  // of the first file; the rest too
  FileTime modified;
  FileTime changed;
};
// Errors: as open_target() and target_facts().
Result<OwnersLook> look_at_owners(const Place& place, const Plan& plan);

// Digest of up to a page of each file before and after the unit, read directly, without what other units cover.
// Errors: the errno.
Result<std::string> exchange_neighbours(const Place& place, const Plan& plan, std::size_t position);
// True if files in use and device agree about these neighbours.
Result<bool> exchange_neighbours_agree(const Place& place, const Plan& plan, std::size_t position);

// Who else than the unit's files and donors has a block of it, for people; nothing if nobody does. A file system that
// cannot say (no rmapbt) says so only where the plan has several owners. Errors: the errno.
Result<std::optional<std::string>> other_owner(const UnitWork& work);

// The donors of a unit, one for each of its mappings.
struct DonorLook {
  std::string name;
  std::optional<UniqueFd> fd;  // nothing where there is none
  bool holds_old = false;      // it has the unit's old block
  bool complete = false;       // it has other blocks, with the bytes that the file must get
};
// Errors: as open_target(), Quarantine::open() and read_sectors().
Result<std::vector<DonorLook>> look_at_donors(const UnitWork& work);

}  // namespace pmend::repair
