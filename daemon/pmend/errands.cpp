// SPDX-License-Identifier: Apache-2.0
#include "pmend/errands.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace pmend::daemon {
namespace {

using protocol::Verb;
using std::chrono::seconds;

constexpr seconds kDeadline{60};

}  // namespace

void Errands::inspect() {
  const bool waits = std::find(waiting_.begin(), waiting_.end(), Errand()) != waiting_.end();
  if (!waits || (waiting_.front() == Errand() && waiting_.size() == 1 && done_)) {
    add(std::nullopt);
  }
}

void Errands::release(protocol::ReleaseRequest request) {
  add(std::move(request));
}

void Errands::add(Errand errand) {
  waiting_.push_back(std::move(errand));
  if (waiting_.size() == 1) {
    next_.set(seconds(0), [this] { start_next(); });
  }
}

void Errands::start_next() {
  done_ = false;
  auto worker = client::WorkerClient::start(
      parts_.io, parts_.place, protocol::Role::kRepair,
      {[this](const protocol::Event&) { worker_->kill("it told of something without a job"); },
       [this] { lost("it was killed and does not end"); }, [this](const std::string& why) { lost(why); }},
      parts_.limits);
  if (!worker) {
    failed(worker.error().message());
    return;
  }
  worker_ = std::move(*worker);
  if (waiting_.front()) {
    ask_to_release(*waiting_.front());
  } else {
    ask_to_inspect();
  }
}

void Errands::ask_to_inspect() {
  worker_->ask<protocol::InspectReply>({Verb::kInspect, to_json(protocol::Empty{}), kDeadline}, [this](auto reply) {
    if (reply) {
      parts_.put(engine::Inspected{std::move(*reply)});
      done();
    } else {
      worker_->kill(reply.error().what);
    }
  });
}

void Errands::ask_to_release(const protocol::ReleaseRequest& request) {
  worker_->ask<protocol::Empty>({Verb::kRelease, to_json(request), kDeadline},
                                [this](const auto& reply) { reply ? done() : worker_->kill(reply.error().what); });
}

void Errands::done() {
  done_ = true;
  back_off_.reset();
  worker_->finish();
}

void Errands::lost(const std::string& why) {
  worker_.reset();
  if (!done_) {
    failed(why);
    return;
  }
  waiting_.pop_front();
  if (!waiting_.empty()) {
    next_.set(seconds(0), [this] { start_next(); });
  }
}

void Errands::failed(const std::string& why) {
  if (waiting_.front()) {
    parts_.log.write(log::make_record(log::Level::kWarning,
                                      "The spool of job {JOB} could not be released, the next start does it: {WHY}",
                                      {{"JOB", std::to_string(waiting_.front()->job.value)}, {"WHY", why}}));
    done_ = true;
    lost(why);
    return;
  }
  const auto wait = back_off_.next();
  parts_.log.write(log::make_record(log::Level::kWarning,
                                    "Nothing is repaired yet: no worker tells what is locked ({WHY}); asking again in "
                                    "{SECONDS} s",
                                    {{"WHY", why}, {"SECONDS", std::to_string(wait.count())}}));
  next_.set(wait, [this] { start_next(); });
}

}  // namespace pmend::daemon
