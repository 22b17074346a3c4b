// SPDX-License-Identifier: Apache-2.0
#include "watcher.hpp"

#include "pmend/model/plan.hpp"
#include "pmend/policy/load.hpp"

#include <algorithm>
#include <chrono>

namespace pmend::engine {

std::string Watcher::look(const Input& input, const Commands& commands) {
  hear(input);
  for (const Command& command : commands) {
    if (std::string wrong = say(command); !wrong.empty()) {
      return wrong;
    }
  }
  return "";
}

void Watcher::engine_killed() {
  last_seq_ = durable_;
  failed_ = false;
  stopping_ = false;
  alive_.clear();
  // What was not durable never was.
  std::erase_if(jobs_, [&](const auto& job) { return job.second.seq > durable_; });
  std::erase_if(intents_, [&](const auto& intent) { return intent.second > durable_; });
  std::erase_if(incidents_, [&](const auto& incident) { return incident.second.seq > durable_; });
  std::erase_if(repaired_, [&](const auto& repaired) { return repaired.first > durable_; });
  if (tripped_ && tripped_->seq > durable_) {
    tripped_.reset();
  }
  for (auto& [id, job] : jobs_) {
    job.ended = job.ended && job.end_seq <= durable_;
  }
}

void Watcher::hear(const Input& input) {
  if (const auto* recorded = std::get_if<Recorded>(&input)) {
    if (recorded->seq <= last_seq_ && !failed_) {
      durable_ = std::max(durable_, recorded->seq);
    }
  } else if (const auto* failed = std::get_if<RecordFailed>(&input)) {
    failed_ = failed_ || failed->seq <= last_seq_;
  } else if (const auto* gone = std::get_if<WorkerGone>(&input)) {
    if (gone->job) {
      alive_.erase(*gone->job);
    }
  } else if (std::holds_alternative<Shutdown>(input)) {
    stopping_ = true;
  } else if (const auto* policy = std::get_if<PolicyLoaded>(&input)) {
    hear_policy(*policy);
  } else if (const auto* tick = std::get_if<Tick>(&input)) {
    wall_ = tick->wall;
  } else if (const auto* asked = std::get_if<OperatorRequest>(&input)) {
    if (asked->verb == OperatorVerb::kResumeDevice) {
      tripped_.reset();
      counted_from_ = wall_;
    }
  } else if (const auto* loaded = std::get_if<Loaded>(&input)) {
    paused_ = loaded->state.paused;
  }
}

void Watcher::hear_policy(const PolicyLoaded& input) {
  std::vector<SourceText> sources;
  for (const PolicyFile& file : input.files) {
    sources.push_back({file.name, file.text});
  }
  if (auto policy = parse_policy(sources)) {
    policy_ = std::move(*policy);
    if (tripped_ && policy_->limits().storm_incidents_per_hour > tripped_->limit) {
      tripped_.reset();
    }
  }
}

std::string Watcher::say(const Command& command) {
  return std::visit([this](const auto& kind) { return say(kind); }, command);
}

std::string Watcher::say(const Record& command) {
  if (failed_) {
    return "recorded after a failure";
  }
  if (command.record.seq != last_seq_ + 1) {
    return "a hole in the records";
  }
  last_seq_ = command.record.seq;
  for (const LedgerChange& change : command.record.changes) {
    remember(change, last_seq_);
  }
  return "";
}

void Watcher::remember(const LedgerChange& change, std::uint64_t seq) {
  if (const auto* put = std::get_if<ledger::PutIncident>(&change)) {
    remember(*put, seq);
  } else if (const auto* decision = std::get_if<ledger::PutDecision>(&change)) {
    decisions_[decision->incident] = decision->decision;
  } else if (const auto* approval = std::get_if<ledger::PutApproval>(&change)) {
    approvals_[approval->incident] = approval->approval;
  } else if (const auto* drop = std::get_if<ledger::DropApproval>(&change)) {
    approvals_.erase(drop->incident);
  } else if (const auto* begin = std::get_if<ledger::BeginJob>(&change)) {
    jobs_[begin->job] = {*begin, seq};
  } else if (const auto* intent = std::get_if<ledger::StepIntent>(&change)) {
    intents_.try_emplace({intent->step.job, intent->step.index}, seq);
  } else if (const auto* end = std::get_if<ledger::EndJob>(&change)) {
    jobs_[end->job].ended = true;
    jobs_[end->job].end_seq = seq;
  } else if (const auto* paused = std::get_if<ledger::SetPaused>(&change)) {
    paused_ = paused->paused;
  }
}

void Watcher::remember(const ledger::PutIncident& put, std::uint64_t seq) {
  const bool is_new = !incidents_.contains(put.incident.id);
  Seen& seen = incidents_[put.incident.id];
  seen.bad = put.memory.bad;
  if (is_new) {
    seen.when = wall_;
    seen.seq = seq;
    count_fresh(seq);
  }
  for (const ByteRange& bad : put.incident.state == IncidentState::kRepaired ? seen.bad : std::vector<ByteRange>()) {
    repaired_.emplace_back(seq, bad);
  }
}

void Watcher::count_fresh(std::uint64_t seq) {
  const auto fresh = std::count_if(incidents_.begin(), incidents_.end(), [&](const auto& incident) {
    return incident.second.when > wall_ - std::chrono::hours(1) && incident.second.when > counted_from_;
  });
  const std::uint64_t limit = policy_ ? policy_->limits().storm_incidents_per_hour : 0;
  if (limit != 0 && !tripped_ && static_cast<std::uint64_t>(fresh) > limit) {
    tripped_ = Tripped{std::chrono::floor<std::chrono::seconds>(wall_), limit, seq};
  }
}

bool Watcher::names(const std::string& rule, FlagKey key) const {
  const auto& rules = policy_->rules();
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const Rule& one) { return one.name == rule; });
  return found != rules.end() && names_flag(*found, key);
}

// Of a job that is begun, not resumed: may it be, though no person may have asked for it?
std::string Watcher::say_of_unasked(const Begun& begun, const Approval* approval) const {
  if (tripped_ && (approval == nullptr || approval->when < tripped_->when)) {
    return "a job in a storm that nobody approved since";
  }
  if (approval != nullptr) {
    return "";
  }
  const std::string& rule = decisions_.at(begun.begin.incident).rule;
  for (const ByteRange& bad : incidents_.at(begun.begin.incident).bad) {
    const bool again = std::any_of(repaired_.begin(), repaired_.end(),
                                   [&](const auto& repaired) { return repaired.second.overlaps(bad); });
    if (again && !names(rule, FlagKey::kRecurrence)) {
      return "a recurrence was repaired by a rule that does not name it";
    }
    if (phantoms.overlaps(bad) && !names(rule, FlagKey::kPhantom)) {
      return "a phantom was repaired by a rule that does not name it";
    }
  }
  return "";
}

std::string Watcher::say(const RunJob& command) {
  const protocol::RepairRequest& request = command.request;
  const auto job = jobs_.find(request.job);
  if (job == jobs_.end() || !is_durable(job->second.seq)) {
    return "a job whose beginning is not durable";
  }
  if (failed_ || paused_ || stopping_) {
    return "a job while pmend must not act";
  }
  const Begun& begun = job->second;
  if (begun.ended || begun.begin.plan_hash != request.plan_hash ||
      plan_hash(request.plan, request.basis) != request.plan_hash || begun.begin.spool_key != request.spool_key) {
    return "a job that is not the one that was recorded";
  }
  const bool stepped = intents_.contains({request.job, 0});
  if (command.resume != stepped) {
    return "resumed and begun mixed up";
  }
  if (!command.resume) {
    const auto approval = approvals_.find(begun.begin.incident);
    const bool approved = approval != approvals_.end() && approval->second.plan_hash == request.plan_hash;
    if (!approved && decisions_[begun.begin.incident].action != Action::kRepair) {
      return "a job that nobody decided on";
    }
    if (!policy_ || request.basis.policy_hash != policy_->hash()) {
      return "a job by a policy of before";
    }
    if (std::string wrong = say_of_unasked(begun, approved ? &approval->second : nullptr); !wrong.empty()) {
      return wrong;
    }
  }
  const std::set<Lock> locks = locks_of(request.plan);
  for (const auto& [other, taken] : alive_) {
    for (const Lock& lock : taken) {
      if (locks.contains(lock)) {
        return "two workers on one device or file system";
      }
    }
  }
  alive_[request.job] = locks;
  return "";
}

std::string Watcher::say(const Proceed& command) {
  const auto intent = intents_.find({command.request.job, command.request.index});
  if (intent == intents_.end() || !is_durable(intent->second)) {
    return "a step whose intent is not durable";
  }
  return failed_ || stopping_ ? "a step while pmend must not act" : "";
}

std::string Watcher::say(const Release& command) {
  const auto job = jobs_.find(command.request.job);
  return job == jobs_.end() || !job->second.ended || !is_durable(job->second.end_seq) ? "a spool was let go too early"
                                                                                      : "";
}

std::string Watcher::say(const Publish& command) {
  return incidents_.contains(command.incident.id) || failed_ ? "" : "an incident that the ledger does not know";
}

std::string Watcher::say(const AskPlan& command) {
  return command.request.ranges.empty() || command.request.methods.empty() ? "an empty question" : "";
}

}  // namespace pmend::engine
