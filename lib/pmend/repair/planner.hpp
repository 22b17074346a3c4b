// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/observe_verbs.hpp"
#include "pmend/repair/page_view.hpp"
#include "pmend/repair/place.hpp"
#include "pmend/repair/target.hpp"

#include <optional>
#include <string>
#include <vector>

// What would be done to an incident. Looking and deciding are apart: plan_repair() collects the facts, make_plan()
// is pure.
namespace pmend::repair {

// One page of the file that holds a bad sector, or the large folio around it that would be written with it.
struct PageFacts {
  ByteRange file_range;
  CacheState cache = CacheState::kAbsent;
  std::vector<Piece> pieces;                // mapped parts, up to the end of the last block that holds file data
  std::vector<std::vector<bool>> readable;  // for each piece, one entry per sector of it, read directly
};

struct PlanFacts {
  std::string boot_id;
  TargetFacts file;
  std::vector<PageFacts> pages;       // in order of file offset, disjoint
  BadList list;                       // now
  std::optional<std::string> in_use;  // by whom, if no write lease is to be had; only looked for where one is needed
  // Why the request's `zeroinit` is not done, for people; only where it names it.
  std::optional<std::string> no_zeroinit;
  std::optional<std::string> memory_errors;  // what forbids every write on this memory but recovery-write
};

// The longest unit: one write, one line of letters.
inline constexpr std::uint64_t kMaxUnitBytes = 128U << 10U;

// The method for each page follows from the facts: `redirty` where the page cache has it, else `recovery-write` for a
// file that is mapped from its medium (DAX), `rewrite` for others; the request says which are allowed, and `punch` is
// for those that name neither of these two. Place and file must have passed their gates.
protocol::PlanReply make_plan(const Place& place, const protocol::PlanRequest& request, const PlanFacts& facts);

// No plan, and why.
protocol::PlanReply refuse(RefusalState state, std::string reason);

// The pages that hold the requested ranges, each once, with what of them can be read. Errors: kStale where the file
// does not have them; kRefused for space behind its end; as view_page() and read_sectors().
Result<std::vector<PageFacts>> look_at_pages(int fd, const Place& place, const protocol::PlanRequest& request,
                                             const TargetFacts& file);

// Looks and plans: in the file if that can be, else by the other methods that the request allows. What cannot be looked
// at is refused with the reason.
protocol::PlanReply plan_repair(const Place& place, const protocol::PlanRequest& request);

// The refusal that an incident's owners alone make necessary; nothing if they are one file.
std::optional<PlanRefusal> refusal_for_owners(const std::vector<Owner>& owners);

// /proc/sys/kernel/random/boot_id without the newline.
Result<std::string> current_boot_id();

// The part of a file range up to the end of the last block that holds data of the file.
ByteRange data_part(const ByteRange& file_range, const TargetFacts& file);

// What a direct write to this file must be aligned to.
std::uint64_t write_alignment(const Place& place, const TargetFacts& file);

}  // namespace pmend::repair
