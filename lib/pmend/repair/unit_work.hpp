// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/plan.hpp"
#include "pmend/repair/outcome_from_errno.hpp"
#include "pmend/repair/salvage.hpp"
#include "pmend/repair/spool.hpp"
#include "pmend/repair/target.hpp"

#include <optional>
#include <string>
#include <vector>

// One unit on its way through a method, and the checks that all methods share.
namespace pmend::repair {

struct UnitWork {
  const Place& place;
  const Plan& plan;
  const SpoolIndex& index;  // what was found before
  std::size_t position;     // of the unit in plan and index
  Spool::Bytes rebuilt;     // from the spool
  FileTime modified;        // the file's modification time that we know of: from before, or of our own last change
  std::string spool_key;
  const Spool* spool = nullptr;  // for what has to be remembered in the middle of a step

  const PlannedUnit& planned() const { return plan.units[position]; }
  const SpooledUnit& before() const { return index.units[position]; }
  FileId file() const { return planned().mappings.front().file; }
};

// Why a unit is not changed now; nothing means go on.
using Obstacle = std::optional<Ending>;
// The target is not what the plan says.
Obstacle changed(std::string reason);
// What an error means as long as nothing was changed: where nobody knows, later it may work.
Ending before_change(const Error& error);

// The gates of DESIGN.md section 5 for the place, the opened file and the method, looked at now.
Obstacle check_gates(const Place& place, int fd, const TargetFacts& facts, Method method);

// The file still has the unit where the plan says.
Obstacle check_mapping(const UnitWork& work, int fd);

// The list still names every sector of the unit that cannot be read. A list that was cut short cannot object.
Obstacle check_listed(const UnitWork& work);

// True for the methods that write the rebuilt unit through the file, under a write lease.
constexpr bool is_written_through_file(Method method) {
  return method == Method::kRewrite || method == Method::kRecoveryWrite || method == Method::kRescue ||
         method == Method::kPunch;
}
// Of these, those for a file that is mapped from its medium (DAX).
constexpr bool is_written_in_pages(Method method) {
  return method == Method::kRecoveryWrite || method == Method::kRescue;
}

// File ranges of a plan's units, in order, those of one method or all.
std::vector<ByteRange> file_ranges_of(const Plan& plan, std::optional<Method> method = std::nullopt);

// What the mapping digest covers: the whole file where a write lease keeps everybody else out, but units that get other
// blocks; only the units where the file may be in use.
std::vector<ByteRange> digest_scope(const Plan& plan);

// Digest of up to a page of the same extents before and after a unit, read directly, without what other units of the
// plan cover; of whatever the file has there, where the unit gets other blocks.
Result<std::string> neighbours_digest(const Place& place, int fd, const Plan& plan, std::size_t position);

// Lets the kernel write what users of the file have changed in these pages, so that file and device can be compared.
// That it failed shows in the comparison.
void flush(int fd, const ByteRange& file_range);

// True if these neighbours are now the same on the device as in the file. For files in use, whose users may change
// them.
Result<bool> neighbours_agree(const Place& place, int fd, const Plan& plan, std::size_t position);

}  // namespace pmend::repair
