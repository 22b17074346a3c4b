// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/kernel/page_cache.hpp"
#include "pmend/repair/proof.hpp"
#include "pmend/repair/target.hpp"
#include "pmend/repair/unit_work.hpp"

#include <string>
#include <vector>

// Looking at units that are written on the device itself (methods/frozen_write.hpp): they belong to one file, to
// several that share them, or to none.
namespace pmend::repair {

// A file that a unit belongs to, open for reading.
struct TargetFile {
  FileId id;
  UniqueFd fd;
  TargetFacts facts;
};
using TargetFiles = std::vector<TargetFile>;

// The distinct files of these mappings, opened and looked at; none for free space. Errors: as open_target() and
// target_facts().
Result<TargetFiles> open_files(const Place& place, const std::vector<PlannedUnit>& units);
const TargetFile& file_of(const TargetFiles& files, const FileId& id);

// Why none of these files may be changed, whatever the method; nothing if all may. Less is forbidden than for a write
// through the file (gates.hpp): the device does not ask for permissions.
std::optional<std::string> forbidden_files(const TargetFiles& files);

// What can be had of a unit, and the unit as it should be.
struct FrozenLook {
  std::string sectors;           // letters as in Unit::sectors
  std::vector<std::byte> bytes;  // zeros where nobody has them
  // The page cache has other bytes than the device in a sector that can be read: not written back yet or, under a
  // freeze, of a write-back that failed, and then it has the only copy.
  bool cache_is_newer = false;
};
// Takes the page cache of every file and direct reads of the device; the unit's own letters are not looked at. Outcome
// kTargetChanged where files no longer have the unit, kRefused where the page cache has bytes that cannot be told to be
// the unit's.
tl::expected<FrozenLook, Ending> look_at_frozen(const Place& place, const TargetFiles& files,
                                                const PlannedUnit& planned);

// Keeps what the page caches have of the unit where it is for as long as the result lives: while its sectors hold zeros
// for a moment nobody must read them from the device. A page that cannot be kept is found out by whoever looks again.
std::vector<kernel::FileMapping> pin_cached(const TargetFiles& files, const PlannedUnit& planned);

// The facts of all files at once that a proof compares.
struct FrozenFacts {
  std::string attributes;  // digest
  std::string extents;     // digest of the mapping of all units
  FileTime changed;        // the latest ctime
};
Result<FrozenFacts> frozen_facts(const Place& place, const TargetFiles& files, const std::vector<PlannedUnit>& units);

// Looking after the change, as in proof.hpp; `neighbours` is left true for who has compared them.
Result<UnitLook> look_after_frozen(const UnitWork& work, const TargetFiles& files, Exclusion exclusion);

// Digest of what lies a page before and behind the unit on the device.
Result<std::string> device_neighbours(const Place& place, const Plan& plan, std::size_t position);

}  // namespace pmend::repair
