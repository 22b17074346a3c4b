// SPDX-License-Identifier: Apache-2.0
#include "loop/deadline.hpp"

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <utility>

namespace pmend::loop {

struct Deadline::State {
  explicit State(boost::asio::io_context& io) : timer(io) {}

  boost::asio::steady_timer timer;
  std::function<void()> callback;  // empty: not set
  // Counts set() and cancel(): an expiry that was already queued when the deadline changed is not ours any more.
  std::uint64_t turn = 0;
};

Deadline::Deadline(boost::asio::io_context& io) : state_(std::make_shared<State>(io)) {}

Deadline::~Deadline() {
  cancel();
}

void Deadline::set(std::chrono::microseconds from_now, std::function<void()> callback) {
  cancel();
  state_->callback = std::move(callback);
  state_->timer.expires_after(from_now);
  state_->timer.async_wait([weak = std::weak_ptr(state_), turn = state_->turn](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->turn != turn) {
      return;
    }
    // Moved out first: the callback may set the deadline again.
    const auto call = std::exchange(self->callback, nullptr);
    call();
  });
}

void Deadline::cancel() {
  ++state_->turn;
  state_->callback = nullptr;
  state_->timer.cancel();
}

bool Deadline::is_set() const {
  return state_->callback != nullptr;
}

}  // namespace pmend::loop
