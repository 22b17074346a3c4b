// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/prepare.hpp"

#include "pmend/base/text.hpp"
#include "pmend/repair/exchange_job.hpp"
#include "pmend/repair/frozen_job.hpp"
#include "pmend/repair/methods/punch.hpp"
#include "pmend/repair/planner.hpp"

#include <algorithm>

namespace pmend::repair {
namespace {

Obstacle refused(std::string reason) {
  return Ending{Outcome::kRefused, std::move(reason)};
}

// A unit as the planners make them: one mapping, of all of it, of the plan's one file; on the device itself, all of it
// in each of its mappings.
Obstacle check_mappings(const Plan& plan, const PlannedUnit& planned) {
  const bool whole = std::all_of(planned.mappings.begin(), planned.mappings.end(), [&planned](const Mapping& mapping) {
    return mapping.device_range == planned.unit.device_range;
  });
  if (plan.method == Method::kFrozenWrite) {
    return whole ? std::nullopt : refused("a unit is not one piece of each of its files");
  }
  if (!whole || planned.mappings.size() != 1 ||
      planned.mappings.front().file != plan.units.front().mappings.front().file) {
    return refused("a unit is not one piece of the plan's file");
  }
  return std::nullopt;
}

bool is_known(const Plan& plan, const PlannedUnit& planned) {
  if (plan.method == Method::kFrozenWrite) {
    return planned.unit.method == Method::kFrozenWrite;
  }
  return planned.unit.method == Method::kRedirty || is_written_through_file(planned.unit.method);
}

Obstacle check_unit(const Plan& plan, const PlannedUnit& planned, const Place& place) {
  const ByteRange& range = planned.unit.device_range;
  if (auto obstacle = check_mappings(plan, planned)) {
    return obstacle;
  }
  // What the page cache writes back is its own affair.
  const std::uint64_t whole = planned.unit.method == Method::kRedirty ? place.block_bytes : place.unit_bytes();
  if (!are_sectors(planned.unit.sectors, range.length) || range.offset % whole != 0 || range.length % whole != 0 ||
      range.end() > place.device_bytes) {
    return refused("a unit is not made of whole blocks or pages of the device");
  }
  if (!is_known(plan, planned)) {
    return refused("method \"" + std::string(to_string(planned.unit.method)) + "\" is not one of this program's");
  }
  if (planned.unit.sectors.find(kSectorRestored) != std::string::npos) {
    return refused("the plan wants bytes of a restore hook, which this program does not take");
  }
  return std::nullopt;
}

bool is_anything_bad(const std::vector<Salvaged>& units) {
  return std::any_of(units.begin(), units.end(), [](const Salvaged& salvaged) {
    return salvaged.sectors.find_first_not_of(kSectorGood) != std::string::npos;
  });
}

tl::expected<std::vector<Salvaged>, Ending> salvage_units(const Plan& plan, const Place& place, int fd) {
  std::vector<Salvaged> units;
  std::optional<std::string> difference;
  for (const PlannedUnit& planned : plan.units) {
    const auto moved = mapping_difference(fd, place, planned);
    if (!moved) {
      return tl::make_unexpected(before_change(moved.error()));
    }
    if (*moved) {
      return tl::make_unexpected(Ending{Outcome::kTargetChanged, **moved});
    }
    auto salvaged = salvage(place, fd, planned);
    if (!salvaged) {
      return tl::make_unexpected(before_change(salvaged.error()));
    }
    if (auto differs = sectors_difference(planned.unit.sectors, salvaged->sectors)) {
      difference = std::move(differs);
    }
    units.push_back(std::move(*salvaged));
  }
  if (!is_anything_bad(units)) {
    return tl::make_unexpected(Ending{Outcome::kUnnecessary, "all sectors can be read again"});
  }
  if (difference) {
    return tl::make_unexpected(Ending{Outcome::kTargetChanged, *difference});
  }
  return units;
}

tl::expected<SpoolIndex, Ending> index_of(const protocol::RepairRequest& request, const Place& place, int fd,
                                          const TargetFacts& facts, const std::vector<Salvaged>& salvaged) {
  const auto extents = extents_digest(fd, digest_scope(request.plan), kernel::FiemapSync::kNo);
  if (!extents) {
    return tl::make_unexpected(before_change(extents.error()));
  }
  SpoolIndex index;
  index.job = request.job;
  index.plan_hash = request.plan_hash;
  index.attributes = attributes_digest(facts);
  index.size = facts.attributes.size;
  index.extents = *extents;
  index.modified = facts.modified;
  index.changed = facts.changed;
  for (std::size_t i = 0; i < salvaged.size(); ++i) {
    const auto neighbours = neighbours_digest(place, fd, request.plan, i);
    if (!neighbours) {
      return tl::make_unexpected(before_change(neighbours.error()));
    }
    const std::vector<std::byte>& bytes = salvaged[i].bytes;
    index.units.push_back({request.plan.units[i].unit,
                           sha256_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()}), *neighbours});
  }
  return index;
}

}  // namespace

Obstacle check_plan(const protocol::RepairRequest& request, const Place& place, bool same_boot) {
  const Plan& plan = request.plan;
  if (plan_hash(plan, request.basis) != request.plan_hash) {
    return refused("the plan is not the one that its hash names");
  }
  const auto boot_id = current_boot_id();
  if (!boot_id) {
    return before_change(boot_id.error());
  }
  if (same_boot && plan.boot_id != *boot_id) {
    return changed("the plan was made before the machine was restarted");
  }
  if (plan.device_id != place.device_id || !plan.filesystem || plan.filesystem->uuid != place.filesystem.uuid ||
      plan.filesystem->type != place.filesystem.type) {
    return changed("device or file system is another one than the plan's");
  }
  const bool free = plan.owner == OwnerKind::kFree && plan.method == Method::kFrozenWrite;
  if ((plan.owner != OwnerKind::kFile && !free) || plan.units.empty()) {
    return refused("only data of files and free space are repaired");
  }
  for (const PlannedUnit& planned : plan.units) {
    if (planned.mappings.empty() != free) {
      return refused(free ? "free space belongs to no file" : "a unit belongs to no file");
    }
  }
  for (const PlannedUnit& planned : plan.units) {
    const bool exchange = plan.method == Method::kExchange;
    if (auto obstacle = exchange ? check_exchange_unit(planned, place) : check_unit(plan, planned, place)) {
      return obstacle;
    }
  }
  return std::nullopt;
}

tl::expected<Spool, Ending> prepare(const protocol::RepairRequest& request, const Place& place,
                                    const std::string& spool_directory) {
  if (request.plan.method == Method::kExchange) {
    return prepare_exchange(request, place, spool_directory);
  }
  if (request.plan.method == Method::kFrozenWrite) {
    return prepare_frozen(request, place, spool_directory);
  }
  const FileId file = request.plan.units.front().mappings.front().file;
  const auto fd = open_target(place, file, OpenFor::kReading);
  if (!fd) {
    return tl::make_unexpected(before_change(fd.error()));
  }
  const auto facts = target_facts(place, fd->get());
  if (!facts) {
    return tl::make_unexpected(before_change(facts.error()));
  }
  if (auto obstacle = check_gates(place, fd->get(), *facts, request.plan.method)) {
    return tl::make_unexpected(*obstacle);
  }
  auto salvaged = salvage_units(request.plan, place, fd->get());
  if (!salvaged) {
    return tl::make_unexpected(salvaged.error());
  }
  const auto index = index_of(request, place, fd->get(), *facts, *salvaged);
  if (!index) {
    return tl::make_unexpected(index.error());
  }
  std::vector<Spool::Bytes> bytes;
  for (Salvaged& unit : *salvaged) {
    bytes.push_back(std::move(unit.bytes));
  }
  auto spool = Spool::create(spool_directory, request.spool_key, *index, bytes);
  if (!spool) {
    return tl::make_unexpected(before_change(spool.error()));
  }
  return std::move(*spool);
}

tl::expected<Spool, Ending> open_begun(const protocol::RepairRequest& request, const std::string& spool_directory) {
  auto spool = Spool::open(spool_directory, request.spool_key);
  if (!spool) {
    const bool never_begun = spool.error().is(Errc::kNotFound);
    return tl::make_unexpected(
        Ending{never_begun ? Outcome::kInterrupted : outcome_of(spool.error()), spool.error().message()});
  }
  const SpoolIndex& index = spool->index();
  const bool same_units =
      std::equal(index.units.begin(), index.units.end(), request.plan.units.begin(), request.plan.units.end(),
                 [](const SpooledUnit& spooled, const PlannedUnit& planned) { return spooled.unit == planned.unit; });
  if (index.plan_hash != request.plan_hash || !same_units) {
    return tl::make_unexpected(Ending{Outcome::kRefused, "the spool is of another plan"});
  }
  return std::move(*spool);
}

Course course_of(const Unit& unit) {
  // Pages that only lie in one folio with bad ones are written along with those.
  if (unit.sectors.find_first_not_of(kSectorGood) == std::string::npos) {
    return Course::kNothing;
  }
  if (unit.method == Method::kFrozenWrite) {
    return Course::kFrozenWrite;
  }
  return unit.method == Method::kRedirty ? Course::kRedirty : Course::kRewrite;
}

tl::expected<Course, Ending> course_of_begun(const UnitWork& work) {
  if (course_of(work.planned().unit) == Course::kNothing) {
    return Course::kNothing;
  }
  if (work.plan.method == Method::kFrozenWrite) {
    return course_of_begun_frozen(work);
  }
  const auto fd = open_target(work.place, work.file(), OpenFor::kReading);
  if (!fd) {
    return tl::make_unexpected(before_change(fd.error()));
  }
  const bool punch = work.planned().unit.method == Method::kPunch;
  if (punch) {
    const auto look = look_at_punched(work, fd->get());
    const auto facts = basic_facts(fd->get());
    if (!look || !facts) {
      return tl::make_unexpected(before_change(look ? facts.error() : look.error()));
    }
    if (!look->in_place) {
      return course_of_punched(work, *look, facts->changed);
    }
  }
  if (auto obstacle = check_mapping(work, fd->get())) {
    return tl::make_unexpected(*obstacle);
  }
  const auto salvaged = salvage(work.place, fd->get(), work.planned());
  if (!salvaged) {
    return tl::make_unexpected(before_change(salvaged.error()));
  }
  const bool bad = salvaged->sectors.find_first_not_of(kSectorGood) != std::string::npos;
  if (!bad && salvaged->bytes == work.rebuilt) {
    return Course::kNothing;
  }
  const auto facts = basic_facts(fd->get());
  if (!facts) {
    return tl::make_unexpected(before_change(facts.error()));
  }
  const bool untouched = facts->changed == work.index.changed || (punch && is_own_punch(work, facts->changed));
  if (!bad && !untouched) {
    return tl::make_unexpected(
        Ending{Outcome::kIndeterminate,
               "the sectors can be read again, but hold other bytes than those that were to be written, and the file "
               "was changed since: nobody knows by whom"});
  }
  const bool redirty = bad && work.planned().unit.method == Method::kRedirty && salvaged->is_wholly_cached();
  return redirty ? Course::kRedirty : Course::kRewriteBegun;
}

}  // namespace pmend::repair
