// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/base/ids.hpp"
#include "pmend/ledger/state.hpp"
#include "pmend/model/enum_names.hpp"
#include "pmend/model/events.hpp"
#include "pmend/model/json.hpp"
#include "pmend/model/media_error.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/model/plan.hpp"
#include "pmend/model/protocol.hpp"
#include "pmend/model/repair_verbs.hpp"
#include "pmend/model/step.hpp"
#include "pmend/policy/facts.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// Everything that can happen to the engine, as values with one JSON form: {"input": "tick", "body": {…}}. The flight
// recorder writes it and the replay tests read it. Inputs that say a thing twice, late or about things that are gone
// are harmless.
namespace pmend::engine {

// Names a question that the engine asked the observing worker.
using QueryId = Id<struct QueryTag>;
// Names a request of a person; chosen by whoever passes it on, and told back with the answer.
using OperatorId = Id<struct OperatorTag>;

// The first input: what the ledger remembers.
struct Loaded {
  static constexpr std::string_view kName = "loaded";
  LedgerState state;
};

// One file of the policy, as it was read.
struct PolicyFile {
  std::string name;
  std::string text;
};

// The policy to follow from now on. Checked before by whoever sends it; one that does not parse changes nothing.
struct PolicyLoaded {
  static constexpr std::string_view kName = "policy-loaded";
  std::vector<PolicyFile> files;  // in order of precedence
};

// What the clocks say. Sent before the inputs of one wake-up, and when a timer that was asked for has run out.
struct Tick {
  static constexpr std::string_view kName = "tick";
  SteadyTime steady;
  WallTime wall;
  std::optional<LocalTime> local;  // of `wall`, for rules about the time of day
};

struct DeviceFound {
  static constexpr std::string_view kName = "device-found";
  protocol::DeviceInfo device;
};

struct DeviceGone {
  static constexpr std::string_view kName = "device-gone";
  protocol::DeviceGone device;
};

// A source's list, by itself or as the answer to a List.
struct MediaErrors {
  static constexpr std::string_view kName = "media-errors";
  std::optional<QueryId> query;
  MediaErrorList list;
};

struct MountsChanged {
  static constexpr std::string_view kName = "mounts-changed";
};

struct Gap {
  static constexpr std::string_view kName = "gap";
  protocol::Gap gap;
};

// The answer to an Observe, all pages of it.
struct Observed {
  static constexpr std::string_view kName = "observed";
  QueryId query;
  protocol::Observation observation;
};

// An Observe, Plan or List without an answer.
struct ObserveFailed {
  static constexpr std::string_view kName = "observe-failed";
  QueryId query;
  protocol::ReplyError error;
};

// The answers to a Plan.
struct Planned {
  static constexpr std::string_view kName = "planned";
  QueryId query;
  Plan plan;
};
struct PlanRefused {
  static constexpr std::string_view kName = "plan-refused";
  QueryId query;
  PlanRefusal refusal;
};

// A repairing worker is about to take this step and waits for Proceed.
struct StepIntent {
  static constexpr std::string_view kName = "step-intent";
  Step step;
};
struct StepFinished {
  static constexpr std::string_view kName = "step-finished";
  Step step;
};
struct JobFinished {
  static constexpr std::string_view kName = "job-finished";
  protocol::RepairReply reply;
};
// The worker took no changing step (of a resumed job: no further one).
struct JobRefused {
  static constexpr std::string_view kName = "job-refused";
  JobId job;
  protocol::ReplyError error;
};

// The end of a worker's process: reaped, not only silent. Also when it could not be started.
struct WorkerGone {
  static constexpr std::string_view kName = "worker-gone";
  std::optional<JobId> job;  // absent: the observing worker; its devices are found anew when it is back
  std::string why;           // for people
};
// The worker of this job is past its deadline or killed, and not gone.
struct WorkerStuck {
  static constexpr std::string_view kName = "worker-stuck";
  JobId job;
};
// The answer to Inspect.
struct Inspected {
  static constexpr std::string_view kName = "inspected";
  protocol::InspectReply reply;
};

// All records up to this one are durable.
struct Recorded {
  static constexpr std::string_view kName = "recorded";
  std::uint64_t seq = 0;
};
// This record is not, and none will be any more.
struct RecordFailed {
  static constexpr std::string_view kName = "record-failed";
  std::uint64_t seq = 0;
  std::string why;  // for people
};

enum class OperatorVerb { kApprove, kDismiss, kRetry, kPause, kResume, kResumeDevice, kRescan };
inline constexpr std::array kOperatorVerbNames = {
    EnumName{OperatorVerb::kApprove, "approve"}, EnumName{OperatorVerb::kDismiss, "dismiss"},
    EnumName{OperatorVerb::kRetry, "retry"},     EnumName{OperatorVerb::kPause, "pause"},
    EnumName{OperatorVerb::kResume, "resume"},   EnumName{OperatorVerb::kResumeDevice, "resume-device"},
    EnumName{OperatorVerb::kRescan, "rescan"}};
constexpr std::span<const EnumName<OperatorVerb>> enum_names(OperatorVerb) {
  return kOperatorVerbNames;
}

// What an authorised person wants. Answered by one ReplyOperator.
struct OperatorRequest {
  static constexpr std::string_view kName = "operator-request";
  OperatorId request;
  OperatorVerb verb = OperatorVerb::kRescan;
  std::optional<IncidentId> incident;    // of approve, dismiss, retry
  std::optional<std::string> plan_hash;  // of approve
  std::string who;                       // "uid 1000 (anna)"
  std::optional<std::string> device;     // of resume-device: its node
};

// No new job, no further step; the process ends when the workers have.
struct Shutdown {
  static constexpr std::string_view kName = "shutdown";
};

using Input =
    std::variant<Loaded, PolicyLoaded, Tick, DeviceFound, DeviceGone, MediaErrors, MountsChanged, Gap, Observed,
                 ObserveFailed, Planned, PlanRefused, StepIntent, StepFinished, JobFinished, JobRefused, WorkerGone,
                 WorkerStuck, Inspected, Recorded, RecordFailed, OperatorRequest, Shutdown>;

Json to_json(const Input& input);
void read_json(const JsonReader& in, Input& input);

}  // namespace pmend::engine
