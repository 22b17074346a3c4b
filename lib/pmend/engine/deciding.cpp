// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/deciding.hpp"

#include "pmend/engine/storming.hpp"
#include "pmend/model/range_list.hpp"
#include "pmend/policy/load.hpp"

#include <algorithm>
#include <utility>

namespace pmend::engine {
namespace {

using std::chrono::hours;

constexpr std::uint64_t kMostReplans = 2;

bool is_decided(const Case& what) {
  switch (what.state()) {
    case IncidentState::kObserving:
    case IncidentState::kHeld:
    case IncidentState::kBlocked:
    case IncidentState::kQueued:
      return !what.open_job && (what.plan || what.refusal);
    case IncidentState::kDetected:
    case IncidentState::kObserved:
    case IncidentState::kPlanned:
    case IncidentState::kDecided:
    case IncidentState::kRepairing:
    case IncidentState::kRepaired:
    case IncidentState::kFailed:
    case IncidentState::kStuck:
    case IncidentState::kIndeterminate:
    case IncidentState::kUnresolved:
    case IncidentState::kCleared:
    case IncidentState::kUnobservable:
    case IncidentState::kDismissed:
      return false;
  }
  return false;
}

void drop_stale_approval(Core& core, Case& what) {
  if (!what.approval || is_approved(what)) {
    return;
  }
  what.approval.reset();
  core.change(ledger::DropApproval{what.id()});
  core.log(log::Level::kNotice, "Incident {INCIDENT}: the approval is void, the plan changed",
           {{"INCIDENT", std::to_string(what.id().value)}});
}

// Takes over plan and decision; what the ledger has already is not said again.
void keep(Core& core, Case& what, const PolicyDecision& outcome) {
  what.priority = outcome.priority;
  what.basis = {outcome.decision.rule, core.policy->hash()};
  std::optional<std::string> hash;
  if (what.plan) {
    hash = plan_hash(*what.plan, what.basis);
    if (!what.incident.plan || what.incident.plan->hash != *hash) {
      what.incident.plan = summary_of(*what.plan, *hash);
      core.change(ledger::PutPlan{what.id(), *hash, what.basis, *what.plan});
    }
  }
  if (what.incident.decision != outcome.decision) {
    what.incident.decision = outcome.decision;
    core.change(
        ledger::PutDecision{what.id(), hash, std::chrono::floor<std::chrono::seconds>(core.wall), outcome.decision});
  }
  drop_stale_approval(core, what);
}

std::string first_reason(const Decision& decision) {
  const std::string rule = decision.rule.empty() ? "no rule matches" : "rule " + decision.rule;
  return decision.reasons.empty() || decision.rule.empty() ? rule : rule + ": " + decision.reasons.front();
}

void block(Core& core, Case& what, std::string reason) {
  core.move(what, IncidentState::kBlocked, std::move(reason));
}

// True until its back-off is over, also after a restart. A clock that was set back does not make it long.
bool backs_off(const Core& core, const Case& what) {
  return what.memory.not_before && *what.memory.not_before > core.wall &&
         *what.memory.not_before - core.wall <= back_off(kMostAttempts);
}

// A repair that policy or a person wants.
void queue_or_not(Core& core, Case& what) {
  if (!core.ledger_failure.empty()) {
    block(core, what, "the ledger cannot be written: " + core.ledger_failure);
    return;
  }
  if (what.memory.attempts >= kMostAttempts) {
    block(core, what, "its attempts are used up; look at the last job, then retry");
    return;
  }
  if (backs_off(core, what)) {
    block(core, what, "waits a while after its last attempt");
    what.limited = true;
    core.retry_at(what, core.steady + (*what.memory.not_before - core.wall));
    return;
  }
  const auto hit = limit_against(core, what);
  if (!hit) {
    core.move(what, IncidentState::kQueued,
              is_approved(what) ? "approved by " + what.approval->who : first_reason(*what.incident.decision));
    return;
  }
  if (!hit->until) {
    core.move(what, IncidentState::kHeld, hit->reason);
    return;
  }
  block(core, what, hit->reason);
  what.limited = true;
  core.retry_at(what, core.steady + std::max(*hit->until - core.wall, WallTime::duration(std::chrono::seconds(1))));
}

void follow(Core& core, Case& what) {
  const Decision& decision = *what.incident.decision;
  if (decision.action == Action::kObserve) {
    core.move(what, IncidentState::kObserving, first_reason(decision));
  } else if (what.refusal) {
    block(core, what, what.refusal->reason);
  } else if (decision.action == Action::kRepair || is_approved(what)) {
    queue_or_not(core, what);
  } else {
    core.move(what, IncidentState::kHeld, first_reason(decision));
  }
}

// Repairs since `from`, and when the oldest of them leaves a window of this length.
struct Window {
  std::uint64_t count = 0;
  std::uint64_t bytes_lost = 0;
  std::optional<WallTime> oldest;
};
Window window_since(const Core& core, WallTime from) {
  Window window;
  for (const Spent& spent : core.spent) {
    if (spent.when > from) {
      ++window.count;
      window.bytes_lost += spent.bytes_lost;
      window.oldest = std::min(window.oldest.value_or(spent.when), spent.when);
    }
  }
  return window;
}

std::optional<LimitHit> hourly_limit(const Core& core, const PolicyLimits& limits) {
  const Window hour = window_since(core, core.wall - hours(1));
  if (hour.count < limits.repairs_per_hour) {
    return std::nullopt;
  }
  std::string reason = "the limit of " + std::to_string(limits.repairs_per_hour) + " repairs per hour is reached";
  if (!hour.oldest) {
    return LimitHit{std::move(reason), std::nullopt};
  }
  return LimitHit{std::move(reason), *hour.oldest + hours(1)};
}

std::optional<LimitHit> daily_limit(const Core& core, const PolicyLimits& limits, std::uint64_t bytes_lost) {
  const Window day = window_since(core, core.wall - hours(24));
  if (bytes_lost == 0 ||
      (bytes_lost <= limits.lost_bytes_per_day && day.bytes_lost <= limits.lost_bytes_per_day - bytes_lost)) {
    return std::nullopt;
  }
  std::string reason =
      "it would lose more than the limit of " + std::to_string(limits.lost_bytes_per_day) + " bytes per day allows";
  if (bytes_lost > limits.lost_bytes_per_day || !day.oldest) {
    return LimitHit{std::move(reason), std::nullopt};
  }
  return LimitHit{std::move(reason), *day.oldest + hours(24)};
}

std::uint64_t open_on(const Core& core, const std::string& device_id) {
  const auto it = core.devices.find(device_id);
  return it == core.devices.end() ? 0 : it->second.by_offset.size() - it->second.shelved.size();
}

// What was refused with the methods of the former policy may be possible with those of this one.
void plan_refused_again(Core& core, Case& what) {
  if (what.state() == IncidentState::kBlocked && what.refusal &&
      what.methods != core.policy->methods_to_plan(facts_for(core, what))) {
    what.methods.clear();
    core.look_again(what, "the policy allows other methods than were asked for");
  }
}

}  // namespace

bool is_approved(const Case& what) {
  return what.approval && what.incident.plan && what.approval->plan_hash == what.incident.plan->hash;
}

PolicyFacts facts_for(const Core& core, const Case& what) {
  PolicyFacts facts = facts_of(what.incident);
  facts.bytes_bad.reset();
  facts.bytes_lost.reset();
  facts.plan_methods.clear();
  if (what.plan) {
    facts.bytes_bad = total_bytes(what.plan->bad);
    facts.bytes_lost = total_bytes(what.plan->lost);
    std::set<Method> methods;
    for (const PlannedUnit& planned : what.plan->units) {
      methods.insert(planned.unit.method);
    }
    facts.plan_methods = {methods.begin(), methods.end()};
  }
  facts.recurrence = what.memory.repairs > 0;
  const auto device = core.devices.find(what.incident.device_id);
  facts.has_ars = device != core.devices.end() && device->second.has_ars();
  facts.phantom = what.phantom;
  facts.local_time = core.local;
  return facts;
}

std::optional<LimitHit> limit_against(const Core& core, const Case& what) {
  if (auto storm = storm_against(core, what)) {
    return LimitHit{std::move(*storm), std::nullopt};
  }
  if (is_approved(what)) {
    return std::nullopt;
  }
  const PolicyLimits& limits = core.policy->limits();
  if (open_on(core, what.incident.device_id) > limits.open_incidents_per_device) {
    return LimitHit{"the device has more than " + std::to_string(limits.open_incidents_per_device) +
                        " open incidents: it may be failing as a whole",
                    std::nullopt};
  }
  if (auto hit = hourly_limit(core, limits)) {
    return hit;
  }
  return daily_limit(core, limits, total_bytes(what.plan->lost));
}

void forget_old_repairs(Core& core) {
  const WallTime from = core.wall - hours(24);
  std::erase_if(core.spent, [&](const Spent& spent) { return spent.when <= from; });
}

void decide(Core& core, Case& what) {
  const PolicyDecision outcome = core.policy->decide(facts_for(core, what));
  // Methods change the plan, and what the plan loses may change the rule: that must not go round for ever.
  if (outcome.replan && what.state() == IncidentState::kPlanned && what.methods != outcome.methods &&
      what.replans++ < kMostReplans) {
    what.plan.reset();
    what.methods = outcome.methods;
    core.move(what, IncidentState::kObserved, "planned again with the methods of rule " + outcome.decision.rule);
    core.to_plan.insert(what.id());
    return;
  }
  keep(core, what, outcome);
  what.limited = false;
  core.retry_at(what, std::nullopt);
  if (what.state() != IncidentState::kDecided) {
    core.move(what, IncidentState::kDecided, "");
  }
  follow(core, what);
}

void decide_again(Core& core) {
  const std::set<protocol::Fact> needed(core.policy->facts_needed().begin(), core.policy->facts_needed().end());
  for (auto& [id, what] : core.cases) {
    if (!is_decided(what)) {
      continue;
    }
    const bool known = std::includes(what.facts.begin(), what.facts.end(), needed.begin(), needed.end());
    const PolicyDecision outcome = core.policy->decide(facts_for(core, what));
    if (!known) {
      core.look_again(what, "the policy asks for more than is known");
    } else if (outcome.replan && what.methods != outcome.methods) {
      core.look_again(what, "the policy allows other methods than were planned");
      what.methods = outcome.methods;
    } else {
      core.move(what, IncidentState::kDecided, "");
      decide(core, what);
    }
  }
}

void on(Core& core, const PolicyLoaded& input) {
  std::vector<SourceText> sources;
  for (const PolicyFile& file : input.files) {
    sources.push_back({file.name, file.text});
  }
  auto policy = parse_policy(sources);
  if (!policy) {
    core.log(log::Level::kError, "The policy cannot be used, the one before stays: {WHY}",
             {{"WHY", to_string(policy.error())}});
    return;
  }
  core.policy = std::move(*policy);
  end_storms_below_limit(core);
  for (auto& [id, what] : core.cases) {
    if (what.state() == IncidentState::kDetected || what.state() == IncidentState::kObserved) {
      what.methods.clear();  // asked anew where it has not been asked yet; else the decision finds out
    }
  }
  if (core.loaded) {
    for (auto& [id, what] : core.cases) {
      plan_refused_again(core, what);
    }
    decide_again(core);
  }
}

}  // namespace pmend::engine
