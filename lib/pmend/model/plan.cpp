// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/plan.hpp"

#include "pmend/base/range_set.hpp"
#include "pmend/base/text.hpp"
#include "pmend/model/json_fields.hpp"
#include "pmend/model/json_text.hpp"
#include "pmend/model/range_list.hpp"

#include <algorithm>
#include <utility>

namespace pmend {

bool are_sectors(std::string_view sectors, std::uint64_t length) {
  constexpr char kLetters[] = {kSectorGood, kSectorLost, kSectorCached, kSectorUnused, kSectorRestored};
  return length % kSectorBytes == 0 && sectors.size() == length / kSectorBytes &&
         sectors.find_first_not_of(std::string_view(kLetters, sizeof kLetters)) == std::string_view::npos;
}

PlanSummary summary_of(const Plan& plan, std::string hash) {
  return {.hash = std::move(hash),
          .method = plan.method,
          .units = plan.units.size(),
          .bytes_bad = total_bytes(plan.bad),
          .bytes_salvageable = total_bytes(plan.salvageable),
          .bytes_lost = total_bytes(plan.lost)};
}

template <class Fields, ConstOr<Unit> T>
void describe(Fields& field, T& unit) {
  field.range("device_offset", "length", unit.device_range);
  field("method", unit.method);
  field("sectors", unit.sectors);
  field.check([&](const JsonReader& in) {
    if (unit.device_range.offset % kSectorBytes != 0 || !are_sectors(unit.sectors, unit.device_range.length)) {
      in.problem("expected whole sectors, and one letter of \"gLCUR\" for each in \"sectors\"");
    }
  });
}
Json to_json(const Unit& unit) {
  return write_fields(unit);
}
void read_json(const JsonReader& in, Unit& unit) {
  read_fields(in, unit);
}

template <class Fields, ConstOr<Mapping> T>
void describe(Fields& field, T& mapping) {
  field("inode", mapping.file.inode);
  field("generation", mapping.file.generation);
  field("file_offset", mapping.file_offset);
  field.range("device_offset", "length", mapping.device_range);
  field.check([&](const JsonReader& in) {
    if (!make_byte_range(mapping.file_offset, mapping.device_range.length)) {
      in.problem("file_offset and length go past the largest file offset");
    }
  });
}
Json to_json(const Mapping& mapping) {
  return write_fields(mapping);
}
void read_json(const JsonReader& in, Mapping& mapping) {
  read_fields(in, mapping);
}

template <class Fields, ConstOr<PlannedUnit> T>
void describe(Fields& field, T& planned) {
  field.part(planned.unit);
  field("mappings", planned.mappings);
  field.check([&](const JsonReader& in) {
    for (const Mapping& mapping : planned.mappings) {
      if (!planned.unit.device_range.contains(mapping.device_range)) {
        in.problem("a mapping lies outside its unit");
      }
    }
  });
}
Json to_json(const PlannedUnit& unit) {
  return write_fields(unit);
}
void read_json(const JsonReader& in, PlannedUnit& unit) {
  read_fields(in, unit);
}

template <class Fields, ConstOr<RestoredBytes> T>
void describe(Fields& field, T& restored) {
  field.range("device_offset", "length", restored.device_range);
  field.sha256("sha256", restored.sha256);
}
Json to_json(const RestoredBytes& restored) {
  return write_fields(restored);
}
void read_json(const JsonReader& in, RestoredBytes& restored) {
  read_fields(in, restored);
}

namespace {

std::vector<ByteRange> ranges_of(const std::vector<PlannedUnit>& units) {
  std::vector<ByteRange> ranges;
  for (const PlannedUnit& planned : units) {
    ranges.push_back(planned.unit.device_range);
  }
  return ranges;
}

std::vector<ByteRange> ranges_of(const std::vector<RestoredBytes>& restored) {
  std::vector<ByteRange> ranges;
  for (const RestoredBytes& bytes : restored) {
    ranges.push_back(bytes.device_range);
  }
  return ranges;
}

void check_list(const JsonReader& in, const char* name, const std::vector<ByteRange>& ranges, const RangeSet& units) {
  if (!are_apart_in_order(ranges)) {
    in.problem(std::string(name) + ": ranges overlap or are out of order");
  }
  if (!std::all_of(ranges.begin(), ranges.end(), [&](const ByteRange& range) { return units.covers(range); })) {
    in.problem(std::string(name) + ": a range lies outside the units");
  }
}

void check_owner(const JsonReader& in, const Plan& plan) {
  if (plan.owner != OwnerKind::kRaw && !plan.filesystem) {
    in.problem("a plan needs a file system unless the owner is \"raw\"");
  }
  const auto has_mapping = [](const PlannedUnit& planned) { return !planned.mappings.empty(); };
  if (plan.owner == OwnerKind::kFile && !std::all_of(plan.units.begin(), plan.units.end(), has_mapping)) {
    in.problem("a unit of file data needs a mapping");
  }
}

void check_plan(const JsonReader& in, const Plan& plan) {
  if (plan.units.empty() || plan.units.size() > kMaxUnitsPerPlan) {
    in.problem("got " + std::to_string(plan.units.size()) + " units, expected 1 to " +
               std::to_string(kMaxUnitsPerPlan));
  }
  const auto unit_ranges = ranges_of(plan.units);
  const RangeSet units(unit_ranges);
  check_list(in, "units", unit_ranges, units);
  check_list(in, "bad", plan.bad, units);
  check_list(in, "salvageable", plan.salvageable, units);
  check_list(in, "lost", plan.lost, units);
  check_list(in, "restored", ranges_of(plan.restored), units);
  const RangeSet salvageable(plan.salvageable);
  if (std::any_of(plan.lost.begin(), plan.lost.end(),
                  [&](const ByteRange& lost) { return salvageable.overlaps(lost); })) {
    in.problem("bytes are both lost and salvageable");
  }
  check_owner(in, plan);
}

}  // namespace

template <class Fields, ConstOr<Plan> T>
void describe(Fields& field, T& plan) {
  field("device", plan.device);
  field("device_id", plan.device_id);
  field("boot_id", plan.boot_id);
  field("owner", plan.owner);
  field("filesystem", plan.filesystem);
  field("method", plan.method);
  field("units", plan.units);
  field("bad", plan.bad);
  field("salvageable", plan.salvageable);
  field("lost", plan.lost);
  field("restored", plan.restored);
  field.check([&](const JsonReader& in) { check_plan(in, plan); });
}
Json to_json(const Plan& plan) {
  return write_fields(plan);
}
void read_json(const JsonReader& in, Plan& plan) {
  read_fields(in, plan);
}

std::string plan_hash(const Plan& plan, const PlanBasis& basis) {
  Json units = Json::array();
  for (const PlannedUnit& planned : plan.units) {
    FieldWriter field;
    field.range("device_offset", "length", planned.unit.device_range);
    field("method", planned.unit.method);
    field("mappings", planned.mappings);
    units.push_back(field.take());
  }
  FieldWriter field;
  field("device_id", plan.device_id);
  field("boot_id", plan.boot_id);
  field("filesystem_type", plan.filesystem ? plan.filesystem->type : std::string());
  field("filesystem_uuid", plan.filesystem ? plan.filesystem->uuid : std::string());
  field("owner", plan.owner);
  field("method", plan.method);
  field.raw("units", units);
  field("bad", plan.bad);
  field("lost", plan.lost);
  field("restored", plan.restored);
  field("rule", basis.rule);
  field("policy_hash", basis.policy_hash);
  return sha256_hex(to_json_text(field.take()));
}

template <class Fields, ConstOr<PlanRefusal> T>
void describe(Fields& field, T& refusal) {
  field("state", refusal.state);
  field("reason", refusal.reason);
}
Json to_json(const PlanRefusal& refusal) {
  return write_fields(refusal);
}
void read_json(const JsonReader& in, PlanRefusal& refusal) {
  read_fields(in, refusal);
}

template <class Fields, ConstOr<PlanSummary> T>
void describe(Fields& field, T& summary) {
  field.sha256("hash", summary.hash);
  field("method", summary.method);
  field("units", summary.units);
  field("bytes_bad", summary.bytes_bad);
  field("bytes_salvageable", summary.bytes_salvageable);
  field("bytes_lost", summary.bytes_lost);
}
Json to_json(const PlanSummary& summary) {
  return write_fields(summary);
}
void read_json(const JsonReader& in, PlanSummary& summary) {
  read_fields(in, summary);
}

template <class Fields, ConstOr<PlanBasis> T>
void describe(Fields& field, T& basis) {
  field("rule", basis.rule);
  field.sha256("policy_hash", basis.policy_hash);
}
Json to_json(const PlanBasis& basis) {
  return write_fields(basis);
}
void read_json(const JsonReader& in, PlanBasis& basis) {
  read_fields(in, basis);
}

}  // namespace pmend
