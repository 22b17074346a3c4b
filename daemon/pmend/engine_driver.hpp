// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/deadline.hpp"
#include "pmend/base/clock.hpp"
#include "pmend/engine/engine.hpp"
#include "pmend/engine/flight_recorder.hpp"
#include "pmend/put_input.hpp"

#include <boost/asio/io_context.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>

namespace pmend::daemon {

// Hands inputs to the engine, one after the other and never one inside another, each wake-up beginning with what the
// clocks say, and its commands to whoever carries them out.
class EngineDriver {
 public:
  struct Handlers {
    std::function<void(const engine::Command&)> carry_out;  // all but ArmTimer
    std::function<void()> settled;                          // all that was queued is handled
  };
  EngineDriver(boost::asio::io_context& io, const Clock& clock, Handlers handlers);

  void put(engine::Input input);
  // Handles what is queued, at least a Tick, soon.
  void wake();
  // The same now, before the loop runs.
  void run();

  const engine::Engine& engine() const { return engine_; }
  const engine::FlightRecorder& flight() const { return flight_; }

 private:
  void handle(const engine::Input& input);
  void arm(std::optional<SteadyTime> at);

  boost::asio::io_context& io_;
  const Clock& clock_;
  Handlers handlers_;
  engine::Engine engine_;
  engine::FlightRecorder flight_;
  std::deque<engine::Input> queue_;
  bool woken_ = false;
  loop::Deadline timer_;
  std::shared_ptr<EngineDriver*> self_ = std::make_shared<EngineDriver*>(this);  // for what is posted
};

}  // namespace pmend::daemon
