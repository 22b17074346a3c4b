// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/frozen_job.hpp"

#include "pmend/base/text.hpp"
#include "pmend/repair/frozen_target.hpp"
#include "pmend/repair/plan_frozen.hpp"

#include <algorithm>

namespace pmend::repair {
namespace {

bool is_bad(const FrozenLook& look) {
  return look.sectors.find_first_not_of(kSectorGood) != std::string::npos;
}

tl::expected<std::vector<Spool::Bytes>, Ending> salvage_frozen(const Plan& plan, const Place& place,
                                                               const TargetFiles& files) {
  std::vector<Spool::Bytes> units;
  bool bad = false;
  std::optional<std::string> difference;
  for (const PlannedUnit& planned : plan.units) {
    auto look = look_at_frozen(place, files, planned);
    if (!look) {
      return tl::make_unexpected(look.error());
    }
    bad = bad || is_bad(*look);
    if (auto differs = sectors_difference(planned.unit.sectors, look->sectors)) {
      difference = std::move(differs);
    }
    units.push_back(std::move(look->bytes));
  }
  if (!bad) {
    return tl::make_unexpected(Ending{Outcome::kUnnecessary, "all sectors can be read again"});
  }
  if (difference) {
    return tl::make_unexpected(Ending{Outcome::kTargetChanged, *difference});
  }
  return units;
}

tl::expected<SpoolIndex, Ending> frozen_index(const protocol::RepairRequest& request, const Place& place,
                                              const TargetFiles& files, const std::vector<Spool::Bytes>& units) {
  const auto facts = frozen_facts(place, files, request.plan.units);
  if (!facts) {
    return tl::make_unexpected(before_change(facts.error()));
  }
  SpoolIndex index;
  index.job = request.job;
  index.plan_hash = request.plan_hash;
  index.attributes = facts->attributes;
  index.extents = facts->extents;
  index.changed = facts->changed;
  for (std::size_t i = 0; i < units.size(); ++i) {
    const auto neighbours = device_neighbours(place, request.plan, i);
    if (!neighbours) {
      return tl::make_unexpected(before_change(neighbours.error()));
    }
    index.units.push_back({request.plan.units[i].unit,
                           sha256_hex({reinterpret_cast<const char*>(units[i].data()), units[i].size()}), *neighbours});
  }
  return index;
}

}  // namespace

tl::expected<Spool, Ending> prepare_frozen(const protocol::RepairRequest& request, const Place& place,
                                           const std::string& spool_directory) {
  if (auto obstacle = freeze_obstacle(place)) {
    return tl::make_unexpected(*obstacle);
  }
  const auto files = open_files(place, request.plan.units);
  if (!files) {
    return tl::make_unexpected(before_change(files.error()));
  }
  if (auto reason = forbidden_files(*files)) {
    return tl::make_unexpected(Ending{Outcome::kRefused, *reason});
  }
  const auto units = salvage_frozen(request.plan, place, *files);
  if (!units) {
    return tl::make_unexpected(units.error());
  }
  const auto index = frozen_index(request, place, *files, *units);
  if (!index) {
    return tl::make_unexpected(index.error());
  }
  auto spool = Spool::create(spool_directory, request.spool_key, *index, *units);
  if (!spool) {
    return tl::make_unexpected(before_change(spool.error()));
  }
  return std::move(*spool);
}

tl::expected<Course, Ending> course_of_begun_frozen(const UnitWork& work) {
  const auto files = open_files(work.place, work.plan.units);
  if (!files) {
    return tl::make_unexpected(before_change(files.error()));
  }
  const auto look = look_at_frozen(work.place, *files, work.planned());
  if (!look) {
    return tl::make_unexpected(look.error());
  }
  return is_bad(*look) || look->bytes != work.rebuilt ? Course::kFrozenBegun : Course::kNothing;
}

Result<JobProof> prove_frozen(const std::vector<UnitWork>& work, JobKind kind) {
  const UnitWork& first = work.front();
  const auto files = open_files(first.place, first.plan.units);
  if (!files) {
    return tl::make_unexpected(files.error());
  }
  const auto facts = frozen_facts(first.place, *files, first.plan.units);
  if (!facts) {
    return tl::make_unexpected(facts.error());
  }
  JobProof result;
  Proof& proof = result.proof;
  // Each step has compared what lies around its unit, before anybody else could write there. What an earlier worker did
  // can only be compared now, and its users may have written there meanwhile: then that proof is missing.
  proof.badblocks_clear = proof.read_back = proof.neighbours_unchanged = true;
  proof.attributes_unchanged = facts->attributes == first.index.attributes;
  if (!files->empty()) {
    proof.extents_before = first.index.extents;
    proof.extents_after = facts->extents;
  }
  for (const UnitWork& unit : work) {
    const auto look = look_after_frozen(unit, *files, Exclusion::kNone);
    if (!look) {
      return tl::make_unexpected(look.error());
    }
    proof.badblocks_clear = proof.badblocks_clear && look->unlisted;
    proof.read_back = proof.read_back && look->readable && look->equal;
    if (kind == JobKind::kResume) {
      const auto neighbours = device_neighbours(unit.place, unit.plan, unit.position);
      proof.neighbours_unchanged = proof.neighbours_unchanged && neighbours && *neighbours == unit.before().neighbours;
    }
  }
  add_problem(result.problem, proof.badblocks_clear, "sectors are still listed as bad, or the list is cut short");
  add_problem(result.problem, proof.read_back, "not all bytes read back as they must");
  add_problem(result.problem, proof.extents_before == proof.extents_after, "the mapping of a file changed");
  add_problem(result.problem, proof.attributes_unchanged, "mode, owner or extended attributes of a file changed");
  return result;
}

}  // namespace pmend::repair
