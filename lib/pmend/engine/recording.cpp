// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/recording.hpp"

#include "pmend/engine/deciding.hpp"
#include "pmend/engine/job_end.hpp"
#include "pmend/engine/messages.hpp"
#include "pmend/engine/repairing.hpp"

#include <algorithm>
#include <utility>

namespace pmend::engine {
namespace {

// The message about its state, once per state. That it is looked at again is no news.
std::optional<log::Record> news_of(Case& what) {
  if (what.told == what.state() || (what.told && what.state() == IncidentState::kDetected) ||
      what.incident.reason == kNotLookedAtYet) {
    return std::nullopt;
  }
  auto message = message_of(what);
  if (message) {
    what.told = what.state();
  }
  return message;
}

// Puts what changed of the incidents before the other changes, which refer to them.
void gather_incidents(Core& core) {
  std::vector<LedgerChange> changes;
  for (const IncidentId id : std::exchange(core.touched, {})) {
    Case& what = *core.find(id);
    ledger::PutIncident put{what.incident, what.memory};
    const auto before = core.put.find(id);
    if (before != core.put.end() && before->second == put) {
      continue;
    }
    core.deferred.emplace_back(Command(Publish{what.incident}));
    if (auto message = news_of(what)) {
      core.change(ledger::Audit{std::chrono::floor<std::chrono::seconds>(core.wall), "state", "pmend", id,
                                what.incident.job, message->text});
      core.deferred.emplace_back(Command(Log{std::move(*message)}));
    }
    core.put[id] = put;
    changes.emplace_back(std::move(put));
    if (what.standing() == Standing::kClosed) {
      core.put.erase(id);
      core.cases.erase(id);
    }
  }
  changes.insert(changes.end(), std::make_move_iterator(core.changes.begin()),
                 std::make_move_iterator(core.changes.end()));
  core.changes = std::move(changes);
}

ReplyOperator unavailable(const Core& core, const ReplyOperator& reply) {
  return {reply.request, OperatorError::kUnavailable, "the ledger cannot be written: " + core.ledger_failure};
}

// What may still be told although nothing will be durable any more.
void tell_without_ledger(Core& core, Deferred deferred) {
  auto* command = std::get_if<Command>(&deferred);
  if (command == nullptr) {
    return;
  }
  if (const auto* reply = std::get_if<ReplyOperator>(command)) {
    core.out.emplace_back(unavailable(core, *reply));
  } else {
    core.out.push_back(std::move(*command));
  }
}

void carry_out(Core& core, Deferred deferred) {
  if (auto* command = std::get_if<Command>(&deferred)) {
    core.out.push_back(std::move(*command));
  } else if (const auto* start = std::get_if<StartRun>(&deferred)) {
    run(core, *start);
  } else if (const auto* step = std::get_if<ProceedStep>(&deferred)) {
    run(core, *step);
  } else if (auto* release = std::get_if<ReleaseSpool>(&deferred)) {
    core.out.emplace_back(Release{std::move(release->request)});
  }
}

// No step may be taken that was not proceeded with, and no job may begin.
void stop_acting(Core& core) {
  std::vector<JobId> recording;
  for (auto& [id, job] : core.jobs) {
    if (job.phase == JobPhase::kRecording) {
      recording.push_back(id);
    } else if (job.phase == JobPhase::kRunning) {
      core.out.emplace_back(CancelJob{id});
    }
  }
  for (const JobId id : recording) {
    call_off(core, *core.find(id), "the ledger cannot be written");
  }
  if (core.policy) {
    decide_again(core);
  }
}

}  // namespace

void flush(Core& core) {
  gather_incidents(core);
  std::vector<LedgerChange> changes = std::exchange(core.changes, {});
  std::vector<Deferred> deferred = std::exchange(core.deferred, {});
  if (!core.ledger_failure.empty()) {
    for (Deferred& entry : deferred) {
      tell_without_ledger(core, std::move(entry));
    }
    return;
  }
  if (changes.empty()) {
    for (Deferred& entry : deferred) {
      carry_out(core, std::move(entry));
    }
    return;
  }
  const std::uint64_t seq = ++core.last_seq;
  core.out.emplace_back(Record{{seq, std::move(changes)}});
  if (!deferred.empty()) {
    core.waiting.emplace(seq, std::move(deferred));
  }
}

void on(Core& core, const Recorded& input) {
  while (!core.waiting.empty() && core.waiting.begin()->first <= input.seq && input.seq <= core.last_seq) {
    std::vector<Deferred> durable = std::move(core.waiting.begin()->second);
    core.waiting.erase(core.waiting.begin());
    for (Deferred& entry : durable) {
      carry_out(core, std::move(entry));
    }
  }
}

void on(Core& core, const RecordFailed& input) {
  if (!core.loaded || !core.ledger_failure.empty() || input.seq > core.last_seq) {
    return;
  }
  core.ledger_failure = input.why.empty() ? "unknown error" : input.why;
  log::Record record =
      log::make_record(log::Level::kError,
                       "The ledger cannot be written ({WHY}); pmend goes on watching and stops acting until a restart",
                       {{"WHY", core.ledger_failure}});
  record.message_id = kLedgerFailedMessageId;
  core.out.emplace_back(Log{std::move(record)});
  for (auto& [seq, deferred] : std::exchange(core.waiting, {})) {
    for (Deferred& entry : deferred) {
      tell_without_ledger(core, std::move(entry));
    }
  }
  stop_acting(core);
}

}  // namespace pmend::engine
