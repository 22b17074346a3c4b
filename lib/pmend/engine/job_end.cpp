// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/job_end.hpp"

#include "pmend/engine/detecting.hpp"
#include "pmend/engine/outcomes.hpp"

#include <algorithm>
#include <utility>

namespace pmend::engine {
namespace {

bool has_open_step(const Job& job) {
  return std::any_of(job.steps.begin(), job.steps.end(), [](const auto& step) { return !step.second.outcome; });
}

// The names of the file with this inode, as the incident knows them.
void add_names(ManifestRange& range, const std::vector<Owner>& owners) {
  for (const Owner& owner : owners) {
    if (owner.file && range.inode == owner.file->inode) {
      range.paths = owner.paths;
      return;
    }
  }
}

void put_report(Core& core, const Case& what, JobId job, const protocol::RepairReply& reply) {
  Report report{what.incident, reply.manifest, what.approval, reply.proof};
  for (ManifestRange& lost : report.manifest.lost) {
    add_names(lost, what.incident.owners);
  }
  for (auto* saved : {&report.manifest.salvaged, &report.manifest.restored}) {
    for (SavedRange& range : *saved) {
      add_names(range.range, what.incident.owners);
    }
  }
  core.change(ledger::PutReport{job, std::move(report)});
}

// Until a list comes that was read after the repair, what it repaired does not count as listed.
void settle_repaired(Core& core, Case& what) {
  Device* device = core.device_of(what);
  if (device == nullptr) {
    return;
  }
  for (const ByteRange& bad : what.memory.bad) {
    device->settling.insert(bad);
    for (auto& [source, list] : device->lists) {
      list.ranges.erase(bad);
    }
  }
  const WallTime now = std::chrono::floor<std::chrono::seconds>(core.wall);
  what.memory.proven = now;
  device->past.add({what.incident.device_range, now, what.memory.repairs + 1, what.incident.seen});
  want_list(*device);
}

void fail(Core& core, Case& what, std::string reason) {
  if (what.approval) {  // it was for one try
    what.approval.reset();
    core.change(ledger::DropApproval{what.id()});
  }
  core.move(what, IncidentState::kFailed, std::move(reason));
}

void wait(Core& core, Case& what) {
  const auto delay = back_off(what.memory.attempts);
  what.memory.not_before = std::chrono::floor<std::chrono::seconds>(core.wall + delay);
  core.retry_at(what, core.steady + delay);
}

// Looks again now or, after an interruption, a while later.
void look_after_job(Core& core, Case& what, Outcome outcome, const std::string& reason) {
  core.look_again(what, reason);
  Device* device = core.device_of(what);
  if (device == nullptr || !device->present) {
    core.move(what, IncidentState::kUnobservable, "the device cannot be looked at now; " + reason);
  } else if (outcome == Outcome::kInterrupted && what.memory.attempts > 0) {
    device->to_observe.erase(what.id());
    wait(core, what);
  }
}

void send_where_it_belongs(Core& core, Case& what, Outcome outcome, const std::string& reason) {
  const bool used_up = what.memory.attempts >= kMostAttempts;
  what.incident.outcome = outcome;
  what.looks = 0;
  switch (after(outcome)) {
    case AfterJob::kRepaired:
      settle_repaired(core, what);
      core.close(what, IncidentState::kRepaired, reason);
      return;
    case AfterJob::kLookAgain:
      if (used_up && (outcome == Outcome::kInterrupted || outcome == Outcome::kTargetChanged)) {
        fail(core, what, "its attempts are used up: " + reason);
      } else {
        look_after_job(core, what, outcome, reason);
      }
      return;
    case AfterJob::kWait:
      if (used_up) {
        fail(core, what, "its attempts are used up: " + reason);
      } else {
        core.move(what, IncidentState::kBlocked, reason);
        wait(core, what);
      }
      return;
    case AfterJob::kBlocked:
      core.move(what, IncidentState::kBlocked, reason);
      return;
    case AfterJob::kFailed:
      fail(core, what, reason);
      return;
    case AfterJob::kResume:
      return;
  }
}

// Errors that came meanwhile in its units could not be taken up before.
void correlate_after(Core& core, const std::string& device_id) {
  const auto device = core.devices.find(device_id);
  if (device != core.devices.end()) {
    correlate(core, device->second);
  }
}

// The worker does not know what it did.
void leave_open(Core& core, Case& what, Job& job, const std::string& reason) {
  job.phase = JobPhase::kAnswered;
  ++what.memory.indeterminate;
  what.incident.outcome = Outcome::kIndeterminate;
  core.move(what, IncidentState::kIndeterminate, reason);
  if (what.memory.indeterminate >= kMostIndeterminate) {
    core.move(what, IncidentState::kHeld, "twice nobody knew what a step did: " + reason);
  }
  core.deferred.emplace_back(Command(CancelJob{job.id}));  // no Release follows, and it has nothing more to do
}

void end_with(Core& core, Case& what, Job& job, Outcome outcome, const std::string& reason) {
  end_job(core, job, outcome, reason);
  send_where_it_belongs(core, what, outcome, reason);
}

}  // namespace

void end_job(Core& core, Job& job, Outcome outcome, const std::string& reason) {
  for (auto& [index, step] : job.steps) {
    if (!step.outcome) {
      step.outcome = outcome;
      step.reason = reason;
      core.change(ledger::StepOutcome{step});
    }
  }
  core.change(ledger::EndJob{job.id, outcome, reason, std::chrono::floor<std::chrono::seconds>(core.wall)});
  core.deferred.emplace_back(ReleaseSpool{{job.id, job.request.spool_key}});
  if (Case* what = core.find(job.incident)) {
    what->open_job.reset();
  }
  job.ended = true;
  job.phase = JobPhase::kAnswered;
  if (!job.worker) {
    core.jobs.erase(job.id);
  }
}

void finish(Core& core, Job& job, const protocol::RepairReply& reply) {
  Case& what = *core.find(job.incident);
  Outcome outcome = proven_outcome(reply, job.request.plan.method);
  if (!job.begun &&
      (outcome == Outcome::kSucceeded || outcome == Outcome::kPartlyDone || outcome == Outcome::kIndeterminate)) {
    outcome = Outcome::kInterrupted;  // whatever it says: it was never told to take a step
  }
  // A step whose end was not told is unknown, unless the answer is proven or the run was there to find out.
  if (job.begun && has_open_step(job) && !job.resume && outcome != Outcome::kSucceeded) {
    outcome = Outcome::kIndeterminate;
  }
  if (after(outcome) == AfterJob::kResume) {
    leave_open(core, what, job,
               reply.outcome == Outcome::kSucceeded ? "the proof is not whole: " + reply.reason : reply.reason);
    return;
  }
  const JobId id = job.id;
  const bool begun = job.begun;
  end_with(core, what, job, outcome, reply.reason);
  if (begun) {
    put_report(core, what, id, reply);
  }
  correlate_after(core, what.incident.device_id);
}

void refuse(Core& core, Job& job, const protocol::ReplyError& error) {
  Case& what = *core.find(job.incident);
  const Outcome outcome = outcome_of(error.code);
  if (error.code == protocol::ErrorCode::kCancelled && what.memory.attempts > 0) {
    --what.memory.attempts;  // it was us
  }
  if (!job.begun || (job.resume && outcome == Outcome::kTargetChanged)) {
    end_with(core, what, job, outcome, error.what);
    correlate_after(core, what.incident.device_id);
  } else if (job.resume) {
    job.phase = JobPhase::kAnswered;
    core.move(what, IncidentState::kIndeterminate, "not finished yet: " + error.what);
    core.deferred.emplace_back(Command(CancelJob{job.id}));
  } else {
    leave_open(core, what, job, error.what);
  }
}

void lose_worker(Core& core, Job& job, const std::string& why) {
  Case& what = *core.find(job.incident);
  if (!job.begun) {
    end_with(core, what, job, Outcome::kInterrupted, why);
    correlate_after(core, what.incident.device_id);
    return;
  }
  core.move(what, IncidentState::kIndeterminate, why);
  reopen(core, job, why);
}

void reopen(Core& core, Job& job, const std::string& why) {
  Case& what = *core.find(job.incident);
  job.phase = JobPhase::kOpen;
  job.reobserved = false;
  if (what.state() != IncidentState::kIndeterminate) {
    return;  // held: a person has to look
  }
  what.looks = 0;
  core.look_again(what, why);
  Device* device = core.device_of(what);
  if (device == nullptr || !device->present) {
    core.move(what, IncidentState::kUnobservable, "the device cannot be looked at now; " + why);
  } else if (job.resume) {  // not at once again
    device->to_observe.erase(what.id());
    core.retry_at(what, core.steady + back_off(what.memory.attempts));
  }
}

void call_off(Core& core, Job& job, const std::string& why) {
  Case& what = *core.find(job.incident);
  if (what.memory.attempts > 0) {
    --what.memory.attempts;
  }
  if (!job.resume) {
    end_job(core, job, Outcome::kInterrupted, why);
    look_after_job(core, what, Outcome::kTargetChanged, why);
    return;
  }
  core.move(what, IncidentState::kIndeterminate, why);
  job.resume = false;  // nothing failed: no back-off
  reopen(core, job, why);
}

}  // namespace pmend::engine
