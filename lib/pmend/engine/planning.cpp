// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/planning.hpp"

#include "pmend/engine/deciding.hpp"

#include <algorithm>
#include <utility>

namespace pmend::engine {
namespace {

// True if the plan keeps to the units of this incident. The worker checks far more before it acts; this keeps a
// confused answer from being shown and approved under the wrong number.
bool is_about(const Plan& plan, const Case& what, std::uint64_t unit) {
  const ByteRange around = round_out(what.incident.device_range, unit);
  return plan.device_id == what.incident.device_id && !plan.units.empty() &&
         std::all_of(plan.units.begin(), plan.units.end(),
                     [&](const PlannedUnit& planned) { return around.contains(planned.unit.device_range); });
}

// The incident that waits for this answer.
Case* waiting_for(Core& core, QueryId id) {
  const auto query = core.answered(id);
  if (!query || query->incidents.size() != 1) {
    return nullptr;
  }
  Case* what = core.find_by_query(id, query->incidents.front());
  if (what == nullptr || what->state() != IncidentState::kObserved) {
    return nullptr;
  }
  what->query.reset();
  return what;
}

std::vector<Owner> without_names(std::vector<Owner> owners) {
  for (Owner& owner : owners) {
    owner.paths.clear();
    owner.all_names = false;
    owner.attributes.reset();
    owner.open_by.reset();
    owner.xattrs.reset();
  }
  return owners;
}

std::size_t plans_asked(const Core& core) {
  return static_cast<std::size_t>(std::count_if(core.queries.begin(), core.queries.end(), [&](const auto& query) {
    const auto& incidents = query.second.incidents;
    const auto what = incidents.size() == 1 ? core.cases.find(incidents.front()) : core.cases.end();
    return what != core.cases.end() && what->second.state() == IncidentState::kObserved;
  }));
}

void ask(Core& core, Case& what) {
  if (what.methods.empty()) {
    what.methods = core.policy->methods_to_plan(facts_for(core, what));
  }
  what.query = core.ask(what.incident.device_id, {what.id()});
  core.out.emplace_back(AskPlan{*what.query,
                                {what.incident.device, what.incident.device_id, what.memory.bad,
                                 without_names(what.incident.owners), what.methods}});
}

}  // namespace

void on(Core& core, const Planned& input) {
  Case* what = waiting_for(core, input.query);
  if (what == nullptr) {
    return;
  }
  if (!is_about(input.plan, *what, core.device_of(*what)->unit())) {
    core.look_later(*what, "the observer planned something else than was asked for");
    return;
  }
  what->plan = input.plan;
  core.move(*what, IncidentState::kPlanned, "");
  decide(core, *what);
}

void on(Core& core, const PlanRefused& input) {
  Case* what = waiting_for(core, input.query);
  if (what == nullptr) {
    return;
  }
  switch (input.refusal.state) {
    case RefusalState::kCleared:
      core.look_later(*what, input.refusal.reason);
      return;
    case RefusalState::kUnresolved:
      core.move(*what, IncidentState::kUnresolved, input.refusal.reason);
      return;
    case RefusalState::kBlocked:
      what->refusal = input.refusal;
      core.move(*what, IncidentState::kPlanned, "");
      decide(core, *what);
      return;
  }
}

void ask_plans(Core& core) {
  std::size_t asked = core.to_plan.empty() ? 0 : plans_asked(core);
  while (!core.to_plan.empty() && asked < kMostPlansAsked) {
    Case& what = *core.find(*core.to_plan.begin());
    core.to_plan.erase(core.to_plan.begin());
    ask(core, what);
    ++asked;
  }
}

}  // namespace pmend::engine
