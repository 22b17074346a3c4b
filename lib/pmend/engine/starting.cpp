// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/starting.hpp"

#include "pmend/engine/deciding.hpp"
#include "pmend/engine/detecting.hpp"
#include "pmend/engine/job_end.hpp"
#include "pmend/engine/storming.hpp"

#include <algorithm>
#include <utility>

namespace pmend::engine {
namespace {

Device& device_of_id(Core& core, const std::string& device_id, const std::string& node) {
  Device& device = core.devices[device_id];
  device.device_id = device_id;
  if (device.info.device.empty()) {
    device.info.device = node;
  }
  return device;
}

void load_device(Core& core, const ledger::PutDevice& put) {
  Device& device = device_of_id(core, put.device_id, put.device);
  device.first_seen = put.first_seen;
  device.storm = put.storm;
  device.resumed = put.resumed;
}

void load_incident(Core& core, const ledger::PutIncident& put) {
  const Incident& incident = put.incident;
  Device& device = device_of_id(core, incident.device_id, incident.device);
  note_past_incident(core, device, incident);
  if (standing_of(incident.state) == Standing::kClosed) {
    return;
  }
  Case& what = core.cases[incident.id];
  what.incident = incident;
  what.memory = put.memory;
  if (what.memory.bad.empty()) {
    what.memory.bad = {incident.device_range};
  }
  core.note_recurrence(device, what);
  what.told = incident.state;
  device.by_offset[incident.device_range.offset] = incident.id;
  if (incident.state == IncidentState::kDismissed) {
    device.shelved.insert(incident.id);
  }
  core.put[incident.id] = put;
}

const ledger::PutPlan* plan_of(const LedgerState& state, const ledger::BeginJob& begin) {
  const auto plan = std::find_if(state.plans.begin(), state.plans.end(), [&](const ledger::PutPlan& put) {
    return put.incident == begin.incident && put.hash == begin.plan_hash;
  });
  return plan == state.plans.end() ? nullptr : &*plan;
}

Job job_from(const LedgerJob& stored, const ledger::PutPlan* plan) {
  Job job;
  job.id = stored.begin.job;
  job.incident = stored.begin.incident;
  job.phase = JobPhase::kOpen;
  job.request.job = stored.begin.job;
  job.request.plan_hash = stored.begin.plan_hash;
  job.request.spool_key = stored.begin.spool_key;
  if (plan != nullptr) {
    job.request.plan = plan->plan;
    job.request.basis = plan->basis;
  }
  job.begun = !stored.steps.empty();
  for (const Step& step : stored.steps) {
    job.steps[step.index] = step;
  }
  return job;
}

// A job that did not end: without a step it was as if it had not been; else it is finished before anything else.
void load_open_job(Core& core, const LedgerState& state, const LedgerJob& stored) {
  Case* what = core.find(stored.begin.incident);
  const ledger::PutPlan* plan = plan_of(state, stored.begin);
  Job& job = core.jobs[stored.begin.job];
  job = job_from(stored, plan);
  if (what == nullptr || stored.steps.empty() || plan == nullptr) {
    const bool begun = !stored.steps.empty();
    end_job(core, job, begun ? Outcome::kIndeterminate : Outcome::kInterrupted,
            begun ? "its incident or its plan is not in the ledger any more" : "pmend ended before its first step");
    return;
  }
  what->open_job = job.id;
  if (what->state() != IncidentState::kHeld && what->state() != IncidentState::kUnobservable &&
      what->state() != IncidentState::kIndeterminate) {
    what->incident.state = IncidentState::kRepairing;  // so says the job, whatever else was written
    core.move(*what, IncidentState::kIndeterminate, "pmend ended during its repair");
  }
}

void load_jobs(Core& core, const LedgerState& state) {
  for (const LedgerJob& stored : state.jobs) {
    core.spent.push_back({stored.begin.when, stored.begin.bytes_lost});
    if (stored.end) {
      core.ended_spools[stored.begin.spool_key] = stored.begin.job;
    } else {
      load_open_job(core, state, stored);
    }
  }
  forget_old_repairs(core);
}

// What was waiting is looked at anew once its device is found.
void send_to_look(Core& core, Case& what) {
  if (what.open_job || what.state() == IncidentState::kFailed || what.state() == IncidentState::kDismissed) {
    return;
  }
  if (what.standing() == Standing::kBusy) {  // its job ended or never began
    core.look_again(what, "pmend ended during its repair");
  }
  core.reset(what);
  core.move(what, IncidentState::kUnobservable, std::string(kNotLookedAtYet));
}

void retry_due(Core& core) {
  while (!core.retries.empty() && core.retries.begin()->first <= core.steady) {
    Case& what = *core.find(core.retries.begin()->second);
    core.retry_at(what, std::nullopt);
    if (what.limited && what.state() == IncidentState::kBlocked && core.policy) {
      core.move(what, IncidentState::kDecided, "");
      decide(core, what);
    } else {
      core.look_again(what, what.incident.reason);
    }
  }
}

void take_min(std::optional<SteadyTime>& least, const std::optional<SteadyTime>& time) {
  if (time && (!least || *time < *least)) {
    least = time;
  }
}

}  // namespace

void on(Core& core, const Loaded& input) {
  if (std::exchange(core.loaded, true)) {
    return;
  }
  const LedgerState& state = input.state;
  core.last_seq = state.last_seq;
  core.next_incident = state.next_incident.value;
  core.next_job = state.next_job.value;
  core.paused = state.paused;
  for (const ledger::PutDevice& put : state.devices) {
    load_device(core, put);
  }
  for (const PastRepairsOfDevice& past : state.past) {
    PastRepairs& repairs = device_of_id(core, past.device_id, "").past;
    std::for_each(past.repairs.begin(), past.repairs.end(), [&](const PastRepair& repair) { repairs.add(repair); });
  }
  for (const ledger::PutIncident& put : state.incidents) {
    load_incident(core, put);
  }
  for (const ledger::PutApproval& put : state.approvals) {
    if (Case* what = core.find(put.incident)) {
      what->approval = put.approval;
    }
  }
  load_jobs(core, state);
  if (core.policy) {  // which may have changed since
    end_storms_below_limit(core);
  }
  for (auto& [id, what] : core.cases) {
    send_to_look(core, what);
  }
  for (auto& [id, device] : core.devices) {
    if (device.present) {  // it was faster than the ledger
      on_present(core, device);
    }
  }
  for (const auto& [id, what] : core.cases) {
    if (!core.touched.contains(id)) {  // the others are shown when what they are now is durable
      core.out.emplace_back(Publish{what.incident});
    }
  }
  core.out.emplace_back(Inspect{});
}

void on(Core& core, const Tick& input) {
  core.steady = std::max(core.steady, input.steady);
  core.wall = input.wall;
  core.local = input.local;
  forget_old_repairs(core);
  forget_old_incidents(core);
  if (core.stopping || !core.loaded) {
    return;
  }
  retry_due(core);
  if (core.inspect_at && *core.inspect_at <= core.steady) {
    core.inspect_at.reset();
    core.out.emplace_back(Inspect{});
  }
  if (core.decide_at && *core.decide_at <= core.steady) {
    core.decide_at.reset();
    decide_again(core);
  }
}

void on(Core& core, const Shutdown& /*input*/) {
  if (std::exchange(core.stopping, true)) {
    return;
  }
  for (const auto& [id, job] : core.jobs) {
    if (job.phase == JobPhase::kRunning) {
      core.out.emplace_back(CancelJob{id});
    }
  }
}

void arm_timer(Core& core) {
  if (!core.stopping && core.policy && core.policy->depends_on_time() && !core.cases.empty() && !core.decide_at) {
    core.decide_at = core.steady + kDecideEvery;
  }
  std::optional<SteadyTime> least;
  if (!core.stopping) {
    if (!core.retries.empty()) {
      least = core.retries.begin()->first;
    }
    take_min(least, core.inspect_at);
    take_min(least, core.decide_at);
    for (const auto& [id, device] : core.devices) {
      take_min(least, device.list_at);
    }
  }
  if (least != core.armed) {
    core.armed = least;
    core.out.emplace_back(ArmTimer{least});
  }
}

}  // namespace pmend::engine
