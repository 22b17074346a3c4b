// SPDX-License-Identifier: Apache-2.0
#include "pmend/job_runner.hpp"

#include "pmend/model/json_reader.hpp"
#include "pmend/model/repair_verbs.hpp"
#include "pmend/model/step.hpp"

#include <chrono>
#include <utility>

namespace pmend::daemon {
namespace {

using protocol::Verb;
using std::chrono::seconds;

constexpr seconds kReleaseDeadline{30};
// The engine says what is next as soon as the outcome is durable.
constexpr seconds kLinger{60};

std::string name_of(JobId id) {
  return "the worker of job " + std::to_string(id.value);
}

}  // namespace

JobRunner::JobRunner(Parts parts)
    : parts_(std::move(parts)), errands_({parts_.io, parts_.log, parts_.place, parts_.put, parts_.limits}) {}

JobRunner::Job* JobRunner::find(JobId id) {
  const auto found = jobs_.find(id);
  return found == jobs_.end() ? nullptr : &found->second;
}

void JobRunner::run(const engine::RunJob& command) {
  const JobId id = command.request.job;
  auto worker = client::WorkerClient::start(
      parts_.io, parts_.place, protocol::Role::kRepair,
      {[this, id](const protocol::Event& event) { take(id, event); },
       [this, id] { parts_.put(engine::WorkerStuck{id}); }, [this, id](const std::string& why) { lost(id, why); }},
      parts_.limits);
  if (!worker) {
    parts_.put(engine::WorkerGone{id, worker.error().message()});
    return;
  }
  Job& job = jobs_.try_emplace(id, parts_.io).first->second;
  job.worker = std::move(*worker);
  job.request = job.worker->ask<protocol::RepairReply>(
      {command.resume ? Verb::kResume : Verb::kRepair, to_json(command.request), parts_.job_limit},
      [this, id](auto reply) { finished(id, std::move(reply)); });
}

void JobRunner::take(JobId id, const protocol::Event& event) {
  client::WorkerClient& worker = *find(id)->worker;
  auto step = from_json<Step>(event.body);
  if (event.kind != protocol::EventKind::kStep) {
    worker.kill("it told of what only an observing worker sees");
  } else if (!step) {
    worker.kill("its step is none: " + step.error().message());
  } else if (step->job != id) {
    worker.kill("it told of a step of another job");
  } else if (step->outcome) {
    parts_.put(engine::StepFinished{std::move(*step)});
  } else {
    parts_.put(engine::StepIntent{std::move(*step)});
  }
}

void JobRunner::finished(JobId id, tl::expected<protocol::RepairReply, protocol::ReplyError> reply) {
  Job& job = *find(id);
  job.answered = true;
  job.linger.set(kLinger, [&job] { job.worker->finish(); });
  if (!reply) {
    parts_.put(engine::JobRefused{id, std::move(reply.error())});
  } else if (reply->job != id) {
    job.worker->kill("it answered for another job");
  } else {
    parts_.put(engine::JobFinished{std::move(*reply)});
  }
}

void JobRunner::proceed(const engine::Proceed& command) {
  if (Job* job = find(command.request.job)) {
    // What comes of it is told by events; a refusal by the end of the job.
    job->worker->ask<protocol::Empty>({Verb::kProceed, to_json(command.request), parts_.job_limit}, [](const auto&) {});
  }
}

void JobRunner::release(const engine::Release& command) {
  Job* job = find(command.request.job);
  if (job == nullptr) {
    errands_.release(command.request);
    return;
  }
  job->linger.set(kReleaseDeadline, [job] { job->worker->finish(); });
  job->worker->ask<protocol::Empty>(
      {Verb::kRelease, to_json(command.request), kReleaseDeadline}, [this, job](const auto& reply) {
        if (!reply) {
          parts_.log.write(log::make_record(log::Level::kWarning, "A spool could not be released: {WHY}",
                                            {{"WHY", reply.error().what}}));
        }
        job->worker->finish();
      });
}

void JobRunner::cancel(JobId id) {
  Job* job = find(id);
  if (job == nullptr) {
    return;
  }
  if (job->answered) {
    job->worker->finish();
  } else {
    job->worker->cancel(job->request);
  }
}

void JobRunner::lost(JobId id, const std::string& why) {
  jobs_.erase(id);
  parts_.put(engine::WorkerGone{id, name_of(id) + " is gone: " + why});
}

}  // namespace pmend::daemon
