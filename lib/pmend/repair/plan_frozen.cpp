// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/plan_frozen.hpp"

#include "pmend/repair/frozen_target.hpp"
#include "pmend/repair/gates.hpp"
#include "pmend/repair/sectors.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace pmend::repair {
namespace {

using protocol::PlanReply;
using protocol::PlanRequest;

constexpr ByteRange kWholeFile{0, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())};

PlanReply no_plan_for(const Ending& ending) {
  const bool unresolved = ending.outcome == Outcome::kTargetChanged;
  return refuse(unresolved ? RefusalState::kUnresolved : RefusalState::kBlocked, ending.reason);
}

PlanReply no_plan_for(const Error& error) {
  return no_plan_for(before_change(error));
}

std::set<FileId> files_of(const std::vector<Owner>& owners) {
  std::set<FileId> files;
  for (const Owner& owner : owners) {
    if (owner.file) {
      files.insert(*owner.file);
    }
  }
  return files;
}

// What of the units that hold these ranges cannot be read.
Result<RangeSet> bad_blocks(const Place& place, const std::vector<ByteRange>& ranges) {
  RangeSet bad;
  for (const ByteRange& range : ranges) {
    const auto read = read_sectors(place, round_out(range, place.unit_bytes()));
    if (!read) {
      return tl::make_unexpected(read.error());
    }
    for (std::size_t i = 0; i < read->readable.size(); ++i) {
      if (!read->readable[i]) {
        bad.insert({read->device_range.offset + i * kSectorBytes, kSectorBytes});
      }
    }
  }
  return bad;
}

// Everything that a file has of the range, extent by extent.
Result<std::vector<Mapping>> mappings_in(const Place& place, const TargetFile& file, const ByteRange& range) {
  const auto pieces = pieces_of(file.fd.get(), place, kWholeFile);
  if (!pieces) {
    return tl::make_unexpected(pieces.error());
  }
  std::vector<Mapping> mappings;
  for (const Piece& piece : *pieces) {
    const auto part = piece.extent.has_device_range() ? intersect(piece.device_range(), range) : std::nullopt;
    if (part) {
      mappings.push_back({file.id, piece.file_range.offset + (part->offset - piece.device_offset), *part});
    }
  }
  return mappings;
}

// One block, or run of blocks, whose bytes the same extents of the same files have.
struct Candidate {
  ByteRange device_range;
  std::vector<Mapping> mappings;
};

bool continues(const Candidate& last, const Candidate& next) {
  const auto follows = [](const Mapping& a, const Mapping& b) {
    return a.file == b.file && a.file_offset + a.device_range.length == b.file_offset;
  };
  return last.device_range.end() == next.device_range.offset &&
         last.device_range.length + next.device_range.length <= kMaxUnitBytes &&
         std::equal(last.mappings.begin(), last.mappings.end(), next.mappings.begin(), next.mappings.end(), follows);
}

class FrozenPlanner {
 public:
  FrozenPlanner(const Place& place, const PlanRequest& request) : place_(place), request_(request) {}

  PlanReply run() {
    if (auto obstacle = freeze_obstacle(place_)) {
      return no_plan_for(*obstacle);
    }
    const auto bad = bad_blocks(place_, request_.ranges);
    auto list = place_.list();
    if (!bad || !list) {
      return no_plan_for(bad ? list.error() : bad.error());
    }
    list_ = std::move(*list);
    if (bad->empty()) {
      return nothing_bad();
    }
    const std::vector<ByteRange> runs = bad->ranges();
    if (std::any_of(runs.begin(), runs.end(), [this](const ByteRange& range) { return list_.lacks(range); })) {
      return refuse(RefusalState::kBlocked, "sectors cannot be read, but the list of bad sectors does not name them");
    }
    if (auto refusal = open_owners()) {
      return *refusal;
    }
    if (auto refusal = find_units(*bad)) {
      return *refusal;
    }
    return finish();
  }

 private:
  using Refusal = std::optional<PlanReply>;

  PlanReply nothing_bad() const {
    const bool listed = std::any_of(request_.ranges.begin(), request_.ranges.end(),
                                    [this](const ByteRange& range) { return list_.bad.overlaps(range); });
    if (listed || !list_.complete) {
      return refuse(RefusalState::kBlocked, "the sectors can be read: nothing is written while that is so");
    }
    return refuse(RefusalState::kCleared, "the sectors can be read and are not listed any more");
  }

  Refusal open_owners() {
    for (const FileId& id : files_of(request_.owners)) {
      auto opened = open_files(place_, {PlannedUnit{{}, {Mapping{id, 0, {}}}}});
      if (!opened) {
        return no_plan_for(opened.error());
      }
      files_.push_back(std::move(opened->front()));
    }
    if (auto reason = forbidden_files(files_)) {
      return refuse(RefusalState::kBlocked, *reason);
    }
    return std::nullopt;
  }

  Refusal find_units(const RangeSet& bad) {
    for (const ByteRange& run : bad.ranges()) {
      const std::uint64_t length = place_.unit_bytes();
      const ByteRange blocks = round_out(run, length);
      for (std::uint64_t at = blocks.offset; at < blocks.end(); at += length) {
        if (units_.empty() || units_.back().device_range.end() <= at) {  // two runs may lie in one page
          if (auto refusal = add_block({at, length})) {
            return refusal;
          }
        }
      }
    }
    if (units_.size() > kMaxUnitsPerPlan) {
      return refuse(RefusalState::kBlocked, "the incident has too many separate places for one plan");
    }
    for (const Candidate& candidate : units_) {
      if (auto refusal = add_unit(candidate)) {
        return refusal;
      }
    }
    return std::nullopt;
  }

  Refusal add_block(const ByteRange& block) {
    Candidate candidate{block, {}};
    for (const TargetFile& file : files_) {
      const auto mappings = mappings_in(place_, file, block);
      if (!mappings) {
        return no_plan_for(mappings.error());
      }
      candidate.mappings.insert(candidate.mappings.end(), mappings->begin(), mappings->end());
    }
    const bool whole = std::all_of(candidate.mappings.begin(), candidate.mappings.end(),
                                   [&block](const Mapping& mapping) { return mapping.device_range == block; });
    if (!whole) {
      return refuse(RefusalState::kBlocked, "an extent ends within a block of the device");
    }
    if (!units_.empty() && continues(units_.back(), candidate)) {
      units_.back().device_range.length += block.length;
      for (Mapping& mapping : units_.back().mappings) {
        mapping.device_range.length += block.length;
      }
    } else {
      units_.push_back(std::move(candidate));
    }
    return std::nullopt;
  }

  Refusal add_unit(const Candidate& candidate) {
    PlannedUnit planned{Unit{candidate.device_range, Method::kFrozenWrite, ""}, candidate.mappings};
    if (auto obstacle = owners_obstacle(place_, planned)) {
      return no_plan_for(*obstacle);
    }
    auto look = look_at_frozen(place_, files_, planned);
    if (!look) {
      return no_plan_for(look.error());
    }
    planned.unit.sectors = std::move(look->sectors);
    planned_.push_back(std::move(planned));
    return std::nullopt;
  }

  PlanReply finish() {
    const auto boot_id = current_boot_id();
    if (!boot_id) {
      return no_plan_for(boot_id.error());
    }
    Plan plan;
    plan.device = place_.device;
    plan.device_id = place_.device_id;
    plan.boot_id = *boot_id;
    plan.owner = files_.empty() ? OwnerKind::kFree : OwnerKind::kFile;
    plan.filesystem = place_.filesystem;
    plan.method = Method::kFrozenWrite;
    plan.units = std::move(planned_);
    RangeSet bad;
    RangeSet salvageable;
    RangeSet lost;
    for (const PlannedUnit& planned : plan.units) {
      for (const ByteRange& range : list_.bad.common(planned.unit.device_range)) {
        bad.insert(range);
      }
      for (std::size_t i = 0; i < planned.unit.sectors.size(); ++i) {
        const ByteRange sector{planned.unit.device_range.offset + i * kSectorBytes, kSectorBytes};
        if (const char letter = planned.unit.sectors[i]; letter != kSectorUnused) {
          (letter == kSectorLost ? lost : salvageable).insert(sector);
        }
      }
    }
    plan.bad = bad.ranges();
    plan.salvageable = salvageable.ranges();
    plan.lost = lost.ranges();
    return {std::move(plan), std::nullopt};
  }

  const Place& place_;
  const PlanRequest& request_;
  BadList list_;
  TargetFiles files_;
  std::vector<Candidate> units_;
  std::vector<PlannedUnit> planned_;
};

Ending not_here(std::string reason) {
  return {Outcome::kRefused, std::move(reason)};
}

}  // namespace

bool may_freeze(const PlanRequest& request) {
  const bool allowed =
      std::find(request.methods.begin(), request.methods.end(), Method::kFrozenWrite) != request.methods.end();
  const bool files = std::all_of(request.owners.begin(), request.owners.end(),
                                 [](const Owner& owner) { return owner.kind == OwnerKind::kFile && owner.file; });
  const bool free = std::all_of(request.owners.begin(), request.owners.end(),
                                [](const Owner& owner) { return owner.kind == OwnerKind::kFree; });
  return allowed && !request.owners.empty() && (files || free);
}

PlanReply plan_frozen(const Place& place, const PlanRequest& request) {
  return FrozenPlanner(place, request).run();
}

std::optional<Ending> freeze_obstacle(const Place& place) {
  const auto corrupted = hardware_corrupted_kib(place);
  if (!corrupted) {
    return before_change(corrupted.error());
  }
  for (auto& reason : {forbidden_place(place), forbidden_memory(place, *corrupted)}) {
    if (reason) {
      return not_here(*reason);
    }
  }
  if (*corrupted != 0) {
    return not_here("this machine had a memory error since boot (HardwareCorrupted " + std::to_string(*corrupted) +
                    " kB): a freeze might not end; a reboot makes the place repairable");
  }
  const auto objection = place.freeze.objection();
  if (!objection) {
    return before_change(objection.error());
  }
  return *objection ? std::optional(not_here(**objection)) : std::nullopt;
}

std::optional<Ending> owners_obstacle(const Place& place, const PlannedUnit& planned) {
  const auto owners = place.freeze.owners(planned.unit.device_range);
  if (!owners) {
    return before_change(owners.error());
  }
  std::set<FileId> named;
  for (const Mapping& mapping : planned.mappings) {
    named.insert(mapping.file);
  }
  const OwnerKind kind = named.empty() ? OwnerKind::kFree : OwnerKind::kFile;
  const bool same_kind =
      std::all_of(owners->begin(), owners->end(), [kind](const Owner& owner) { return owner.kind == kind; });
  if (!same_kind || files_of(*owners) != named) {
    return Ending{Outcome::kTargetChanged, "other files have " + to_string(planned.unit.device_range) + " now"};
  }
  const bool shared = std::any_of(owners->begin(), owners->end(), [](const Owner& owner) { return owner.shared; });
  if (shared && planned.mappings.size() < 2) {
    return not_here("the extent is shared, and not everybody who has it could be found");
  }
  return std::nullopt;
}

}  // namespace pmend::repair
