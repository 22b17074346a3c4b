// SPDX-License-Identifier: Apache-2.0
#include "watcher.hpp"

#include "pmend/model/plan.hpp"
#include "pmend/policy/load.hpp"

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
  } else if (const auto* loaded = std::get_if<Loaded>(&input)) {
    paused_ = loaded->state.paused;
  }
}

void Watcher::hear_policy(const PolicyLoaded& input) {
  std::vector<SourceText> sources;
  for (const PolicyFile& file : input.files) {
    sources.push_back({file.name, file.text});
  }
  if (const auto policy = parse_policy(sources)) {
    policy_hash_ = policy->hash();
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
    incidents_.insert(put->incident.id);
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
    if (request.basis.policy_hash != policy_hash_) {
      return "a job by a policy of before";
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
