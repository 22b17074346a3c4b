// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/state.hpp"

#include "pmend/model/json_fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace pmend {

const Step* LedgerJob::open_intent() const {
  const auto open = std::find_if(steps.begin(), steps.end(), [](const Step& step) { return !step.outcome; });
  return open == steps.end() ? nullptr : &*open;
}

template <class Fields, ConstOr<LedgerJob> T>
void describe(Fields& field, T& job) {
  field("begin", job.begin);
  field.nullable("end", job.end);
  field("steps", job.steps);
}
Json to_json(const LedgerJob& job) {
  return write_fields(job);
}
void read_json(const JsonReader& in, LedgerJob& job) {
  read_fields(in, job);
}

namespace {

Json to_json(const PastRepair& repair) {
  return Json::array(
      {repair.device_range.offset, repair.device_range.length, to_rfc3339(repair.proven), repair.repairs, repair.seen});
}

void read_json(const JsonReader& in, PastRepair& repair) {
  const std::vector<JsonReader> parts = in.array();
  if (parts.size() != 5) {
    in.expected("an array of five");
    return;
  }
  if (const auto range = make_byte_range(parts[0].u64(), parts[1].u64(1))) {
    repair.device_range = *range;
  } else {
    in.problem(range.error().what);
  }
  pmend::read_json(parts[2], repair.proven);
  repair.repairs = parts[3].u64(1);
  repair.seen = parts[4].u64();
}

}  // namespace

Json to_json(const PastRepairsOfDevice& past) {
  Json repairs = Json::array();
  for (const PastRepair& repair : past.repairs) {
    repairs.push_back(to_json(repair));
  }
  return {{"device_id", pmend::to_json(past.device_id)}, {"repairs", std::move(repairs)}};
}
void read_json(const JsonReader& in, PastRepairsOfDevice& past) {
  JsonObjectReader object(in);
  if (const auto id = object.required("device_id")) {
    past.device_id = id->string();
  }
  if (const auto repairs = object.required("repairs")) {
    for (const JsonReader& element : repairs->array()) {
      read_json(element, past.repairs.emplace_back());
    }
  }
  object.finish();
}

template <class Fields, ConstOr<LedgerState> T>
void describe(Fields& field, T& state) {
  field("last_seq", state.last_seq);
  field("next_incident", state.next_incident);
  field("next_job", state.next_job);
  field("clean_shutdown", state.clean_shutdown);
  field("previous_boot_id", state.previous_boot_id);
  field("paused", state.paused);
  field("incidents", state.incidents);
  field("plans", state.plans);
  field("approvals", state.approvals);
  field("jobs", state.jobs);
  field("devices", state.devices);
  field("media_errors", state.media_errors);
  field.unless_default("past", state.past);
}
Json to_json(const LedgerState& state) {
  return write_fields(state);
}
void read_json(const JsonReader& in, LedgerState& state) {
  read_fields(in, state);
}

}  // namespace pmend
