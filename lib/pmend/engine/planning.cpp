// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/planning.hpp"

#include "pmend/engine/deciding.hpp"

#include <algorithm>
#include <utility>

namespace pmend::engine {
namespace {

bool owns(const Incident& incident, const Mapping& mapping) {
  return std::any_of(incident.owners.begin(), incident.owners.end(),
                     [&](const Owner& owner) { return owner.file && *owner.file == mapping.file; });
}

// A unit of the incident: in its repair units, or, where a method takes whole pages of a file, in a file of its owners.
bool is_unit_of(const Incident& incident, const PlannedUnit& planned, const ByteRange& around) {
  const bool mapped =
      !planned.mappings.empty() && std::all_of(planned.mappings.begin(), planned.mappings.end(),
                                               [&](const Mapping& mapping) { return owns(incident, mapping); });
  return mapped || around.contains(planned.unit.device_range);
}

bool is_about(const Plan& plan, const Case& what, std::uint64_t unit) {
  const ByteRange around = round_out(what.incident.device_range, unit);
  const auto touches = [&](const PlannedUnit& planned) { return planned.unit.device_range.overlaps(around); };
  const auto fits = [&](const PlannedUnit& planned) { return is_unit_of(what.incident, planned, around); };
  return plan.device_id == what.incident.device_id && std::any_of(plan.units.begin(), plan.units.end(), touches) &&
         std::all_of(plan.units.begin(), plan.units.end(), fits);
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
  what->looks = 0;
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
      core.leave_unresolved(*what, input.refusal.reason);
      return;
    case RefusalState::kBlocked:
      what->refusal = input.refusal;
      core.move(*what, IncidentState::kPlanned, "");
      decide(core, *what);
      if (what->state() == IncidentState::kBlocked) {
        core.look_again_a_few_times(*what);  // somebody may have the file open for a moment only
      }
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
