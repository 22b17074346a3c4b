// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/base/ids.hpp"
#include "pmend/engine/input.hpp"
#include "pmend/engine/transitions.hpp"
#include "pmend/ledger/record.hpp"
#include "pmend/model/decision.hpp"
#include "pmend/model/incident.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/model/plan.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pmend::engine {

// An open or dismissed incident with all that the engine knows of it.
struct Case {
  Incident incident;
  ledger::IncidentMemory memory;

  // What it was planned and decided with; all absent until then. A plan or a refusal, never both.
  std::optional<Plan> plan;
  PlanBasis basis;
  std::optional<PlanRefusal> refusal;
  std::optional<Approval> approval;  // of the plan whose hash it names
  std::set<protocol::Fact> facts;    // that the policy needed when it was observed
  std::optional<bool> phantom;
  std::vector<Method> methods;  // that the plan was asked with; empty: not asked yet
  std::uint64_t replans = 0;    // how often it was planned again with other methods
  std::int64_t priority = 0;    // of its job among others, by the rule; stays while it is queued
  bool limited = false;         // blocked by a limit only: decided again at retry_at

  // What is under way.
  std::optional<QueryId> query;        // the question whose answer it waits for
  std::uint64_t looks = 0;             // observations in a row that gave nothing to go on with
  std::optional<SteadyTime> retry_at;  // when it is looked at again without being asked
  std::optional<JobId> open_job;       // begun and not ended: nothing else may touch the incident
  std::optional<IncidentState> told;   // the last state that was logged

  IncidentId id() const { return incident.id; }
  IncidentState state() const { return incident.state; }
  Standing standing() const { return standing_of(incident.state); }
  bool is_busy() const { return open_job.has_value() || standing() == Standing::kBusy; }
};

}  // namespace pmend::engine
