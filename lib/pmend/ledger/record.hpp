// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/base/ids.hpp"
#include "pmend/base/range.hpp"
#include "pmend/model/decision.hpp"
#include "pmend/model/incident.hpp"
#include "pmend/model/json.hpp"
#include "pmend/model/media_error.hpp"
#include "pmend/model/outcome.hpp"
#include "pmend/model/plan.hpp"
#include "pmend/model/report.hpp"
#include "pmend/model/step.hpp"
#include "pmend/model/storm.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What the engine asks the ledger to remember: a list of typed changes that becomes durable as a whole or not at all.
// Values with their JSON form, which commands and replays print; reader.hpp gives the same values back after a restart.
//
// The order inside a record counts: what is referred to comes first (incident, then plan, then job, then step).
namespace pmend {
namespace ledger {

// What the engine knows of an incident besides what is shown.
struct IncidentMemory {
  std::vector<ByteRange> bad;          // of the device, the exact bad bytes, in order, disjoint
  std::uint64_t attempts = 0;          // jobs begun since it was reported or retried
  std::uint64_t indeterminate = 0;     // jobs of these that ended indeterminate
  std::uint64_t repairs = 0;           // proven repairs before: more than 0 makes it a recurrence
  std::optional<WallTime> not_before;  // back-off: the next job begins no earlier; whole seconds
  std::optional<WallTime> proven;      // when its repair was proven; whole seconds

  friend bool operator==(const IncidentMemory&, const IncidentMemory&) = default;
};

// The incident is now this.
struct PutIncident {
  static constexpr const char* kName = "put-incident";
  Incident incident;
  IncidentMemory memory;

  friend bool operator==(const PutIncident&, const PutIncident&) = default;
};

// One source's view of one device is now this.
struct PutMediaErrors {
  static constexpr const char* kName = "put-media-errors";
  MediaErrorList list;

  friend bool operator==(const PutMediaErrors&, const PutMediaErrors&) = default;
};

// The current plan of an incident. Older ones of the same incident are forgotten unless a job carried them out, and an
// approval of another one is dropped.
struct PutPlan {
  static constexpr const char* kName = "put-plan";
  IncidentId incident;
  std::string hash;  // plan_hash(plan, basis), nothing else is taken
  PlanBasis basis;
  Plan plan;

  friend bool operator==(const PutPlan&, const PutPlan&) = default;
};

// The latest decision on an incident, and what it was about.
struct PutDecision {
  static constexpr const char* kName = "put-decision";
  IncidentId incident;
  std::optional<std::string> plan_hash;  // null where there was no plan
  WallTime when;                         // whole seconds
  Decision decision;

  friend bool operator==(const PutDecision&, const PutDecision&) = default;
};

// A person consents to the current plan; any other is refused. One approval an incident.
struct PutApproval {
  static constexpr const char* kName = "put-approval";
  IncidentId incident;
  Approval approval;

  friend bool operator==(const PutApproval&, const PutApproval&) = default;
};

// The approval of this incident is void, for ever: a plan that comes back has to be approved again.
struct DropApproval {
  static constexpr const char* kName = "drop-approval";
  IncidentId incident;

  friend bool operator==(const DropApproval&, const DropApproval&) = default;
};

// A job starts; durable before its worker is asked for anything.
struct BeginJob {
  static constexpr const char* kName = "begin-job";
  JobId job;
  IncidentId incident;
  std::string plan_hash;         // of a plan in the ledger
  std::uint64_t attempt = 1;     // of the incident, from 1
  std::uint64_t bytes_lost = 0;  // by the plan: what budgets count
  std::string spool_key;         // names its directory in the worker's spool
  WallTime when;                 // whole seconds

  friend bool operator==(const BeginJob&, const BeginJob&) = default;
};

// A changing step is about to be taken: `step` has no outcome. The same intent may come again as long as it is open
// (a resumed job), another one with its index may not.
struct StepIntent {
  static constexpr const char* kName = "step-intent";
  Step step;

  friend bool operator==(const StepIntent&, const StepIntent&) = default;
};

// How an open intent ended: `step` is the intent with its outcome.
struct StepOutcome {
  static constexpr const char* kName = "step-outcome";
  Step step;

  friend bool operator==(const StepOutcome&, const StepOutcome&) = default;
};

// A job ended. An intent that is still open then stays open, and load() goes on giving it, until its outcome comes.
struct EndJob {
  static constexpr const char* kName = "end-job";
  JobId job;
  Outcome outcome = Outcome::kIndeterminate;
  std::string reason;  // for people
  WallTime when;       // whole seconds

  friend bool operator==(const EndJob&, const EndJob&) = default;
};

// A loss manifest with its proof. Never replaced: an incident that comes back has one for each time.
struct PutReport {
  static constexpr const char* kName = "put-report";
  std::optional<JobId> job;  // null for an end without a job; two reports of one job are refused
  Report report;             // of the incident that it holds

  friend bool operator==(const PutReport&, const PutReport&) = default;
};

// A device that was seen; known by its device_id.
struct PutDevice {
  static constexpr const char* kName = "put-device";
  std::string device_id;
  std::string device;               // its last node
  WallTime first_seen;              // whole seconds
  WallTime last_seen;               // whole seconds
  std::optional<Storm> storm;       // since when nothing on it is repaired without a person
  std::optional<WallTime> resumed;  // when a person ended the last one: what was new before does not count any more

  friend bool operator==(const PutDevice&, const PutDevice&) = default;
};

// Whether repairs are paused by an operator; survives a restart.
struct SetPaused {
  static constexpr const char* kName = "set-paused";
  bool paused = false;

  friend bool operator==(const SetPaused&, const SetPaused&) = default;
};

// One line of the history, which is only ever added to.
struct Audit {
  static constexpr const char* kName = "audit";
  WallTime when;                       // whole seconds
  std::string what;                    // a word for programs: "state", "approve", "policy", …
  std::string who;                     // "pmend", "uid 1000 (anna)"
  std::optional<IncidentId> incident;  // null: about pmend itself
  std::optional<JobId> job;
  std::string text;  // for people

  friend bool operator==(const Audit&, const Audit&) = default;
};

Json to_json(const IncidentMemory& memory);
void read_json(const JsonReader& in, IncidentMemory& memory);
Json to_json(const PutIncident& change);
void read_json(const JsonReader& in, PutIncident& change);
Json to_json(const PutMediaErrors& change);
void read_json(const JsonReader& in, PutMediaErrors& change);
Json to_json(const PutPlan& change);
// Problems also: a hash that is not that of the plan.
void read_json(const JsonReader& in, PutPlan& change);
Json to_json(const PutDecision& change);
void read_json(const JsonReader& in, PutDecision& change);
Json to_json(const PutApproval& change);
void read_json(const JsonReader& in, PutApproval& change);
Json to_json(const DropApproval& change);
void read_json(const JsonReader& in, DropApproval& change);
Json to_json(const BeginJob& change);
void read_json(const JsonReader& in, BeginJob& change);
Json to_json(const StepIntent& change);
// Problems also: an outcome.
void read_json(const JsonReader& in, StepIntent& change);
Json to_json(const StepOutcome& change);
// Problems also: no outcome.
void read_json(const JsonReader& in, StepOutcome& change);
Json to_json(const EndJob& change);
void read_json(const JsonReader& in, EndJob& change);
Json to_json(const PutReport& change);
void read_json(const JsonReader& in, PutReport& change);
Json to_json(const PutDevice& change);
void read_json(const JsonReader& in, PutDevice& change);
Json to_json(const SetPaused& change);
void read_json(const JsonReader& in, SetPaused& change);
Json to_json(const Audit& change);
void read_json(const JsonReader& in, Audit& change);

}  // namespace ledger

using LedgerChange =
    std::variant<ledger::PutIncident, ledger::PutMediaErrors, ledger::PutPlan, ledger::PutDecision, ledger::PutApproval,
                 ledger::DropApproval, ledger::BeginJob, ledger::StepIntent, ledger::StepOutcome, ledger::EndJob,
                 ledger::PutReport, ledger::PutDevice, ledger::SetPaused, ledger::Audit>;

// What is remembered together. `seq` is one more than that of the record before, also over a restart
// (LedgerState::last_seq), so that a hole in the memory cannot go unnoticed.
struct LedgerRecord {
  std::uint64_t seq = 0;
  std::vector<LedgerChange> changes;

  friend bool operator==(const LedgerRecord&, const LedgerRecord&) = default;
};

// True if nothing more happens to an incident in this state unless it is reported anew. All others are given back by
// LedgerReader::load(), also the dismissed ones: their list entry is still there.
bool is_finished(IncidentState state);

// "begin-job", …: the key of the change's JSON form.
const char* name_of(const LedgerChange& change);

namespace ledger {

// {"begin-job": {…}}
Json to_json(const LedgerChange& change);
void read_json(const JsonReader& in, LedgerChange& change);

}  // namespace ledger

Json to_json(const LedgerRecord& record);
void read_json(const JsonReader& in, LedgerRecord& record);

}  // namespace pmend
