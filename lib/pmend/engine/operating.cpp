// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/operating.hpp"

#include "pmend/engine/deciding.hpp"
#include "pmend/engine/detecting.hpp"
#include "pmend/engine/job_end.hpp"
#include "pmend/engine/storming.hpp"

#include <optional>
#include <string>
#include <utility>

namespace pmend::engine {
namespace {

struct Refusal {
  OperatorError error;
  std::string what;
};
using Answer = std::optional<Refusal>;  // nothing: done

void audit(Core& core, const OperatorRequest& input, std::optional<IncidentId> incident, std::string text) {
  core.change(ledger::Audit{std::chrono::floor<std::chrono::seconds>(core.wall), std::string(to_string(input.verb)),
                            input.who, incident, std::nullopt, std::move(text)});
}

std::string state_text(const Case& what) {
  return "incident " + std::to_string(what.id().value) + " is " + std::string(to_string(what.state()));
}

// True while a worker is at it or its beginning is being recorded; nothing can be asked of it then.
bool in_work(Core& core, const Case& what) {
  const Job* job = what.open_job ? core.find(*what.open_job) : nullptr;
  return what.state() == IncidentState::kRepairing || what.state() == IncidentState::kStuck ||
         (job != nullptr && (job->worker || job->phase == JobPhase::kRecording));
}

void try_again(Core& core, Case& what, std::string reason) {
  what.memory.attempts = 0;
  what.memory.indeterminate = 0;
  what.memory.not_before.reset();
  what.looks = 0;
  core.look_again(what, std::move(reason));
}

Answer approve(Core& core, Case& what, const OperatorRequest& input) {
  if (in_work(core, what)) {
    return Refusal{OperatorError::kBusy, state_text(what)};
  }
  if (!what.incident.plan || what.incident.plan->hash != input.plan_hash) {
    return Refusal{OperatorError::kStalePlan, "the plan is another one now; look at it again"};
  }
  if (what.state() != IncidentState::kHeld) {
    return Refusal{OperatorError::kInvalid, state_text(what) + ", not held"};
  }
  what.approval = Approval{*input.plan_hash, input.who, std::chrono::floor<std::chrono::seconds>(core.wall)};
  core.change(ledger::PutApproval{what.id(), *what.approval});
  audit(core, input, what.id(), "approved plan " + *input.plan_hash);
  what.memory.attempts = 0;
  if (what.open_job) {
    try_again(core, what, "approved by " + input.who);
  } else {
    core.move(what, IncidentState::kQueued, "approved by " + input.who);
  }
  return std::nullopt;
}

Answer dismiss(Core& core, Case& what, const OperatorRequest& input) {
  if (in_work(core, what)) {
    return Refusal{OperatorError::kBusy, state_text(what)};
  }
  if (what.state() == IncidentState::kDismissed) {
    return std::nullopt;
  }
  if (what.open_job) {
    end_job(core, *core.find(*what.open_job), Outcome::kIndeterminate, "given up by " + input.who);
    core.look_again(what, "");
  }
  core.reset(what);
  core.move(what, IncidentState::kDismissed, "by " + input.who);
  audit(core, input, what.id(), "dismissed");
  return std::nullopt;
}

Answer retry(Core& core, Case& what, const OperatorRequest& input) {
  if (in_work(core, what)) {
    return Refusal{OperatorError::kBusy, state_text(what)};
  }
  if (what.state() == IncidentState::kQueued) {
    return std::nullopt;
  }
  const Device* device = core.device_of(what);
  if (device == nullptr || !device->present) {
    return Refusal{OperatorError::kUnavailable, "its device is not there"};
  }
  audit(core, input, what.id(), "retried");
  try_again(core, what, "looking again for " + input.who);
  return std::nullopt;
}

Answer set_paused(Core& core, const OperatorRequest& input, bool paused) {
  if (core.paused != paused) {
    core.paused = paused;
    core.change(ledger::SetPaused{paused});
    audit(core, input, std::nullopt, paused ? "paused" : "resumed");
    core.log(log::Level::kNotice, paused ? "Repairs are paused by {WHO}" : "Repairs are resumed by {WHO}",
             {{"WHO", input.who}});
  }
  return std::nullopt;
}

// Where several devices have had this node, the one that has it now.
Device* device_at(Core& core, const std::string& node) {
  Device* found = nullptr;
  for (auto& [id, device] : core.devices) {
    if (device.info.device == node && (found == nullptr || device.present || (device.storm && !found->present))) {
      found = &device;
    }
  }
  return found;
}

Answer resume_device(Core& core, const OperatorRequest& input) {
  Device* device = input.device ? device_at(core, *input.device) : nullptr;
  if (device == nullptr) {
    return Refusal{OperatorError::kNotFound, "no such device was ever watched"};
  }
  if (device->storm) {
    audit(core, input, std::nullopt, "repairs on " + device->info.device + " resumed");
    resume_medium(core, device->medium(), input.who);
    decide_again(core);
  }
  return std::nullopt;
}

Answer about_incident(Core& core, const OperatorRequest& input) {
  Case* what = input.incident ? core.find(*input.incident) : nullptr;
  if (what == nullptr) {
    return Refusal{OperatorError::kNotFound, "no open incident has this number"};
  }
  if (input.verb == OperatorVerb::kApprove) {
    return approve(core, *what, input);
  }
  return input.verb == OperatorVerb::kDismiss ? dismiss(core, *what, input) : retry(core, *what, input);
}

Answer carry_out(Core& core, const OperatorRequest& input) {
  if (!core.loaded || core.stopping) {
    return Refusal{OperatorError::kUnavailable, core.stopping ? "pmend is stopping" : "pmend is starting"};
  }
  if (!core.ledger_failure.empty() && input.verb != OperatorVerb::kRescan) {
    return Refusal{OperatorError::kUnavailable, "the ledger cannot be written: " + core.ledger_failure};
  }
  switch (input.verb) {
    case OperatorVerb::kApprove:
    case OperatorVerb::kDismiss:
    case OperatorVerb::kRetry:
      return about_incident(core, input);
    case OperatorVerb::kPause:
      return set_paused(core, input, true);
    case OperatorVerb::kResume:
      return set_paused(core, input, false);
    case OperatorVerb::kResumeDevice:
      return resume_device(core, input);
    case OperatorVerb::kRescan:
      rescan(core);
      return std::nullopt;
  }
  return Refusal{OperatorError::kInvalid, "no such request"};
}

}  // namespace

void on(Core& core, const OperatorRequest& input) {
  const Answer refusal = carry_out(core, input);
  ReplyOperator reply{input.request, std::nullopt, ""};
  if (refusal) {
    reply.error = refusal->error;
    reply.what = refusal->what;
    core.out.emplace_back(std::move(reply));
  } else if (!core.ledger_failure.empty()) {  // a rescan, which promises nothing durable
    core.out.emplace_back(std::move(reply));
  } else {
    core.deferred.emplace_back(Command(std::move(reply)));
  }
}

}  // namespace pmend::engine
