// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/repairing.hpp"

#include "pmend/engine/deciding.hpp"
#include "pmend/engine/detecting.hpp"
#include "pmend/engine/job_end.hpp"
#include "pmend/engine/storming.hpp"
#include "pmend/model/range_list.hpp"

#include <algorithm>
#include <utility>

namespace pmend::engine {
namespace {

// The locks that nobody may take now: of jobs with a worker, of jobs that are to be finished first, of strangers.
std::set<Lock> taken_locks(const Core& core, std::optional<JobId> except) {
  std::set<Lock> taken = core.foreign;
  for (const auto& [id, job] : core.jobs) {
    const auto what = core.cases.find(job.incident);
    const bool parked = job.phase == JobPhase::kOpen && what != core.cases.end() &&
                        what->second.state() != IncidentState::kIndeterminate;
    if (id != except && (job.worker || !parked)) {
      taken.merge(locks_of(job.request.plan));
    }
  }
  return taken;
}

bool overlap(const std::set<Lock>& a, const std::set<Lock>& b) {
  return std::any_of(a.begin(), a.end(), [&](const Lock& lock) { return b.contains(lock); });
}

bool device_present(Core& core, const Case& what) {
  const Device* device = core.device_of(what);
  return device != nullptr && device->present;
}

void record_start(Core& core, Case& what, Job& job, std::string reason) {
  job.phase = JobPhase::kRecording;
  job.proceeded.reset();
  job.waiting_step.reset();
  job.stuck = false;
  ++what.memory.attempts;
  what.memory.not_before.reset();
  core.move(what, IncidentState::kRepairing, std::move(reason));
  core.deferred.emplace_back(StartRun{job.id});
}

void begin_job(Core& core, Case& what) {
  const JobId id{core.next_job++};
  Job& job = core.jobs[id];
  job.id = id;
  job.incident = what.id();
  const std::string& hash = what.incident.plan->hash;
  const std::string spool_key = "job-" + std::to_string(id.value) + "-" + hash.substr(0, 16);
  job.request = {id, *what.plan, hash, what.basis, spool_key};
  what.open_job = id;
  what.incident.job = id;
  what.incident.outcome.reset();
  const WallTime now = std::chrono::floor<std::chrono::seconds>(core.wall);
  const std::uint64_t lost = total_bytes(what.plan->lost);
  record_start(core, what, job, is_approved(what) ? "approved by " + what.approval->who : what.incident.reason);
  core.change(ledger::BeginJob{id, what.id(), hash, what.memory.attempts, lost, spool_key, now});
  core.spent.push_back({now, lost});
}

// Finishing what was begun comes before anything new.
void resume_open(Core& core) {
  for (auto& [id, job] : core.jobs) {
    Case* what = core.find(job.incident);
    if (job.phase != JobPhase::kOpen || job.worker || what == nullptr ||
        what->state() != IncidentState::kIndeterminate || !job.reobserved || what->retry_at ||
        !device_present(core, *what) || overlap(locks_of(job.request.plan), taken_locks(core, id))) {
      continue;
    }
    if (what->memory.attempts >= kMostAttempts) {
      core.move(*what, IncidentState::kHeld, "a step was begun and could not be finished; look at it, then retry");
      continue;
    }
    job.resume = true;
    // What is left to do may be another step than the one that was open, so that it is one of its own.
    job.request.first_step = job.steps.empty() ? 0 : job.steps.rbegin()->first + 1;
    record_start(core, *what, job, "finishing what was begun");
  }
}

// True if the world is still as it was when this run was recorded.
bool still_wanted(Core& core, const Case& what, const Job& job) {
  return core.may_act() && device_present(core, what) &&
         (job.resume || (job.request.basis.policy_hash == core.policy->hash() && !storm_against(core, what)));
}

Job* running_job(Core& core, JobId id) {
  Job* job = core.find(id);
  return job != nullptr && job->phase == JobPhase::kRunning ? job : nullptr;
}

bool is_same_intent(Step a, const Step& b) {
  a.outcome = b.outcome;
  a.reason = b.reason;
  return a == b;
}

// Why this intent may not be proceeded with, empty if it may.
std::string objection_to(const Core& core, const Job& job, const Step& step) {
  const auto& units = job.request.plan.units;
  const bool in_plan = std::any_of(units.begin(), units.end(), [&](const PlannedUnit& planned) {
    return planned.unit.device_range.contains(step.device_range);
  });
  if (!in_plan) {
    return "the step is not inside a unit of the plan";
  }
  if (!core.ledger_failure.empty()) {
    return "the ledger cannot be written";
  }
  if (core.stopping) {
    return "pmend is stopping";
  }
  if (step.index < job.request.first_step) {
    return "the step is of an earlier run";
  }
  const auto known = job.steps.find(step.index);
  if (known != job.steps.end() && (known->second.outcome || !is_same_intent(known->second, step))) {
    return "the step is not the one that was begun";
  }
  const std::uint64_t next = job.steps.empty() ? 0 : job.steps.rbegin()->first + 1;
  if (known == job.steps.end() && step.index != next) {
    return "the step is out of order";
  }
  return "";
}

// The worker of a former pmend has the job still. For a moment everybody who writes is in the kernel; who is there
// twice is stuck.
void follow_former_worker(Core& core, const Job& job, bool hangs) {
  Case* what = core.find(job.incident);
  if (job.phase != JobPhase::kOpen || job.worker || what == nullptr) {
    return;
  }
  if (hangs && what->state() == IncidentState::kIndeterminate) {
    core.move(
        *what, IncidentState::kStuck,
        "a worker from before pmend was started hangs in the kernel and its write may still land; nothing else is "
        "written there until it is gone");
  } else if (!core.hanging.contains(job.id) && what->state() == IncidentState::kStuck) {
    core.move(*what, IncidentState::kIndeterminate, "the worker from before pmend was started is gone");
  }
}

// It leaves the queue: repairing, or to where a limit sends it.
void take_turn(Core& core, Case& what, std::set<Lock>& taken) {
  if (limit_against(core, what)) {
    core.move(what, IncidentState::kDecided, "");
    decide(core, what);
    return;
  }
  taken.merge(locks_of(*what.plan));
  begin_job(core, what);
}

}  // namespace

std::set<Lock> locks_of(const Plan& plan) {
  std::set<Lock> all = {{protocol::LockKind::kDevice, plan.device_id}};
  if (plan.filesystem && !plan.filesystem->uuid.empty()) {
    all.emplace(protocol::LockKind::kFilesystem, plan.filesystem->uuid);
  }
  return all;
}

void start_jobs(Core& core) {
  if (!core.may_act()) {
    return;
  }
  resume_open(core);
  std::set<Lock> taken = taken_locks(core, std::nullopt);
  for (auto& [device_id, queue] : core.queued) {
    const Lock device_lock{protocol::LockKind::kDevice, device_id};
    while (!taken.contains(device_lock)) {
      const auto turn = std::find_if(queue.begin(), queue.end(), [&](const Turn& next) {
        const Case& what = core.cases.at(next.second);
        return device_present(core, what) && !overlap(locks_of(*what.plan), taken);
      });
      if (turn == queue.end()) {
        break;
      }
      take_turn(core, *core.find(turn->second), taken);
    }
  }
}

void run(Core& core, const StartRun& start) {
  Job* job = core.find(start.job);
  Case* what = job == nullptr ? nullptr : core.find(job->incident);
  if (what == nullptr || job->phase != JobPhase::kRecording) {
    return;
  }
  if (!still_wanted(core, *what, *job)) {
    call_off(core, *job, "not begun: pmend was paused, the policy changed, errors spread or the device went");
    return;
  }
  job->phase = JobPhase::kRunning;
  job->worker = true;
  core.out.emplace_back(RunJob{job->resume, job->request});
}

void run(Core& core, const ProceedStep& step) {
  Job* job = running_job(core, step.job);
  if (job == nullptr || job->waiting_step != step.index || core.stopping) {
    return;
  }
  job->waiting_step.reset();
  job->proceeded = step.index;
  job->begun = true;
  core.out.emplace_back(Proceed{{step.job, step.index}});
}

void on(Core& core, const StepIntent& input) {
  Job* job = running_job(core, input.step.job);
  if (job == nullptr) {
    return;
  }
  const Step& step = input.step;
  if (job->waiting_step == step.index || job->proceeded == step.index) {
    return;  // said twice
  }
  if (const std::string objection = objection_to(core, *job, step); !objection.empty() || step.outcome) {
    core.log(log::Level::kWarning, "Job {JOB}: step {STEP} is not proceeded with ({WHY}); cancelling",
             {{"JOB", std::to_string(job->id.value)}, {"STEP", std::to_string(step.index)}, {"WHY", objection}});
    core.out.emplace_back(CancelJob{job->id});
    return;
  }
  job->steps[step.index] = step;
  job->waiting_step = step.index;
  core.change(ledger::StepIntent{step});
  core.deferred.emplace_back(ProceedStep{job->id, step.index});
}

void on(Core& core, const StepFinished& input) {
  Job* job = running_job(core, input.step.job);
  if (job == nullptr || !input.step.outcome || job->proceeded != input.step.index) {
    return;
  }
  Step& known = job->steps.at(input.step.index);
  if (known.outcome || !is_same_intent(known, input.step)) {
    return;
  }
  // What nobody knows stays open, so that it is finished from the spool.
  if (*input.step.outcome != Outcome::kIndeterminate) {
    known = input.step;
    core.change(ledger::StepOutcome{known});
  }
}

void on(Core& core, const JobFinished& input) {
  if (Job* job = running_job(core, input.reply.job)) {
    finish(core, *job, input.reply);
  }
}

void on(Core& core, const JobRefused& input) {
  if (Job* job = running_job(core, input.job)) {
    refuse(core, *job, input.error);
  }
}

void on(Core& core, const WorkerGone& input) {
  if (!input.job) {
    lose_observer(core);
    return;
  }
  Job* job = core.find(*input.job);
  if (job == nullptr || !job->worker) {
    return;
  }
  job->worker = false;
  job->stuck = false;
  if (job->phase == JobPhase::kRunning) {
    lose_worker(core, *job, input.why);
  } else if (job->phase == JobPhase::kAnswered && job->ended) {
    core.jobs.erase(job->id);
  } else if (job->phase == JobPhase::kAnswered) {
    reopen(core, *job, input.why);
  }
}

void on(Core& core, const WorkerStuck& input) {
  Job* job = core.find(input.job);
  if (job == nullptr || !job->worker || std::exchange(job->stuck, true)) {
    return;
  }
  Case* what = core.find(job->incident);
  if (what != nullptr && what->state() == IncidentState::kRepairing) {
    core.move(
        *what, IncidentState::kStuck,
        "the worker cannot be stopped and its write may still land; nothing else is written there until it is gone");
  }
}

void on(Core& core, const Inspected& input) {
  core.inspected = true;
  core.foreign.clear();
  std::set<JobId> hanging;
  for (const protocol::HeldLock& lock : input.reply.locks) {
    const auto ours = lock.job ? core.jobs.find(*lock.job) : core.jobs.end();
    if (ours == core.jobs.end() || !ours->second.worker) {
      core.foreign.emplace(lock.kind, lock.name);
    }
    if (ours != core.jobs.end() && lock.uninterruptible) {
      hanging.insert(*lock.job);
    }
  }
  const std::set<JobId> before = std::exchange(core.hanging, std::move(hanging));
  for (const auto& [id, job] : core.jobs) {
    follow_former_worker(core, job, before.contains(id) && core.hanging.contains(id));
  }
  for (const std::string& key : input.reply.spool_keys) {
    const auto ended = core.ended_spools.find(key);
    if (ended != core.ended_spools.end()) {
      core.out.emplace_back(Release{{ended->second, key}});
      core.ended_spools.erase(ended);
    }
  }
  core.inspect_at.reset();
  if (!core.foreign.empty()) {
    core.inspect_at = core.steady + kInspectEvery;
  }
}

}  // namespace pmend::engine
