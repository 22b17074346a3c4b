// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/log.hpp"
#include "pmend/bus_face.hpp"
#include "pmend/engine/command.hpp"
#include "pmend/job_runner.hpp"
#include "pmend/observer_client.hpp"
#include "pmend/recorder.hpp"

namespace pmend::daemon {

// Hands each command of the engine to whoever carries it out.
struct Executor {
  ObserverClient& observer;
  JobRunner& jobs;
  Recorder& recorder;
  BusFace& bus;
  log::Sink& sink;

  void operator()(const engine::Observe& command) const { observer.observe(command); }
  void operator()(const engine::AskPlan& command) const { observer.plan(command); }
  void operator()(const engine::List& command) const { observer.list(command); }
  void operator()(const engine::Record& command) const { recorder.record(command.record); }
  void operator()(const engine::RunJob& command) const { jobs.run(command); }
  void operator()(const engine::Proceed& command) const { jobs.proceed(command); }
  void operator()(const engine::Release& command) const { jobs.release(command); }
  void operator()(const engine::CancelJob& command) const { jobs.cancel(command.job); }
  void operator()(const engine::Inspect& /*command*/) const { jobs.inspect(); }
  void operator()(const engine::Publish& command) const { bus.service().publish(command.incident); }
  void operator()(const engine::ReplyOperator& command) const { bus.answers().take(command); }
  void operator()(const engine::Log& command) const { sink.write(command.record); }
  void operator()(const engine::ArmTimer& /*command*/) const {}  // the driver's own
};

}  // namespace pmend::daemon
