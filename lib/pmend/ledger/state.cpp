// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/state.hpp"

#include "pmend/model/json_fields.hpp"

#include <algorithm>

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
}
Json to_json(const LedgerState& state) {
  return write_fields(state);
}
void read_json(const JsonReader& in, LedgerState& state) {
  read_fields(in, state);
}

}  // namespace pmend
