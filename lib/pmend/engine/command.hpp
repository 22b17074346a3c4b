// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/base/ids.hpp"
#include "pmend/base/log.hpp"
#include "pmend/engine/input.hpp"
#include "pmend/ledger/record.hpp"
#include "pmend/model/enum_names.hpp"
#include "pmend/model/incident.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/model/repair_verbs.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// Everything that the engine can want done, as values with one JSON form: {"command": "observe", "body": {…}}. They are
// carried out in the order given. None of them is answered by its return: what comes of it is another input.
namespace pmend::engine {

// To the observing worker; answered by Observed or ObserveFailed.
struct Observe {
  static constexpr std::string_view kName = "observe";
  QueryId query;
  protocol::ObserveRequest request;
};

// To the observing worker; answered by Planned, PlanRefused or ObserveFailed.
struct AskPlan {
  static constexpr std::string_view kName = "plan";
  QueryId query;
  protocol::PlanRequest request;
};

// To the observing worker; answered by MediaErrors with this query, or ObserveFailed.
struct List {
  static constexpr std::string_view kName = "list";
  QueryId query;
  std::string device;
};

// To the ledger, in order of seq; answered by Recorded or RecordFailed.
struct Record {
  static constexpr std::string_view kName = "record";
  LedgerRecord record;
};

// Start a repairing worker for this job; it is answered by StepIntent, StepFinished, JobFinished or JobRefused, and
// always at last by WorkerGone.
struct RunJob {
  static constexpr std::string_view kName = "run-job";
  bool resume = false;  // verb `resume` instead of `repair`
  protocol::RepairRequest request;
};

// To the worker of the job: the intent is durable.
struct Proceed {
  static constexpr std::string_view kName = "proceed";
  protocol::ProceedRequest request;
};

// To the worker of the job: the outcome is durable, the spool may go. If that worker is gone, to any other.
struct Release {
  static constexpr std::string_view kName = "release";
  protocol::ReleaseRequest request;
};

// To the worker of the job: stop before the next step.
struct CancelJob {
  static constexpr std::string_view kName = "cancel-job";
  JobId job;
};

// What do workers of a pmend before this one hold and leave? To a repairing worker; answered by Inspected.
struct Inspect {
  static constexpr std::string_view kName = "inspect";
};

// Show this incident; what is shown is durable, unless the ledger has failed.
struct Publish {
  static constexpr std::string_view kName = "publish";
  Incident incident;
};

// Send a Tick at this time, instead of any asked for before. Absent: none.
struct ArmTimer {
  static constexpr std::string_view kName = "arm-timer";
  std::optional<SteadyTime> at;
};

// The names of org.pmend1.Error.
enum class OperatorError { kNotFound, kStalePlan, kBusy, kUnavailable, kInvalid };
inline constexpr std::array kOperatorErrorNames = {
    EnumName{OperatorError::kNotFound, "not-found"}, EnumName{OperatorError::kStalePlan, "stale-plan"},
    EnumName{OperatorError::kBusy, "busy"}, EnumName{OperatorError::kUnavailable, "unavailable"},
    EnumName{OperatorError::kInvalid, "invalid"}};
constexpr std::span<const EnumName<OperatorError>> enum_names(OperatorError) {
  return kOperatorErrorNames;
}

// The answer to an OperatorRequest; what it promises is durable.
struct ReplyOperator {
  static constexpr std::string_view kName = "reply-operator";
  OperatorId request;
  std::optional<OperatorError> error;  // absent: done
  std::string what;                    // for people, of the error
};

struct Log {
  static constexpr std::string_view kName = "log";
  log::Record record;
};

using Command = std::variant<Observe, AskPlan, List, Record, RunJob, Proceed, Release, CancelJob, Inspect, Publish,
                             ArmTimer, ReplyOperator, Log>;
using Commands = std::vector<Command>;

Json to_json(const Command& command);

}  // namespace pmend::engine
