// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine_driver.hpp"

#include "pmend/base/boundary.hpp"
#include "pmend/local_clock.hpp"

#include <boost/asio/post.hpp>

#include <string_view>
#include <utility>
#include <variant>

namespace pmend::daemon {
namespace {

// What is only said is said again after a start: between two of these nothing new can be lost.
bool is_talk(const engine::Command& command) {
  return std::holds_alternative<engine::Publish>(command) || std::holds_alternative<engine::Log>(command);
}

std::string_view name_of(const engine::Command& command) {
  return std::visit([](const auto& value) { return value.kName; }, command);
}

}  // namespace

EngineDriver::EngineDriver(boost::asio::io_context& io, const Clock& clock, Handlers handlers)
    : io_(io), clock_(clock), handlers_(std::move(handlers)), timer_(io) {}

void EngineDriver::put(engine::Input input) {
  queue_.push_back(std::move(input));
  wake();
}

void EngineDriver::wake() {
  if (std::exchange(woken_, true)) {
    return;
  }
  boost::asio::post(io_, [weak = std::weak_ptr(self_)] {
    if (const auto self = weak.lock()) {
      (*self)->run();
    }
  });
}

void EngineDriver::run() {
  woken_ = false;
  handle(tick_of(clock_));
  // What comes meanwhile waits for the next turn, so that others have theirs.
  for (std::deque<engine::Input> batch = std::exchange(queue_, {}); !batch.empty(); batch.pop_front()) {
    handle(batch.front());
  }
  handlers_.settled();
}

void EngineDriver::handle(const engine::Input& input) {
  const engine::Commands commands = engine_.handle(input);
  flight_.note(input, commands);
  for (const engine::Command& command : commands) {
    if (const auto* const timer = std::get_if<engine::ArmTimer>(&command)) {
      arm(timer->at);
    } else if (is_talk(command)) {
      handlers_.carry_out(command);
    } else {
      boundary("pmend: before ", name_of(command));
      handlers_.carry_out(command);
      boundary("pmend: after ", name_of(command));
    }
  }
}

void EngineDriver::arm(std::optional<SteadyTime> at) {
  if (at) {
    timer_.set(*at - clock_.steady(), [this] { wake(); });
  } else {
    timer_.cancel();
  }
}

}  // namespace pmend::daemon
