// SPDX-License-Identifier: Apache-2.0
#include "pmend/bus/bus_pump.hpp"

#include "pmend/base/unique_fd.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sdbus-c++/sdbus-c++.h>

#include <fcntl.h>
#include <poll.h>

#include <exception>
#include <utility>

namespace pmend::bus {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

// The rest is posted, so that one busy caller cannot starve the loop.
constexpr int kMessagesPerTurn = 64;

}  // namespace

class BusPump::Loop : public std::enable_shared_from_this<BusPump::Loop> {
 public:
  Loop(asio::io_context& io, sdbus::IConnection& connection, UniqueFd fd, Lost on_lost)
      : io_(io), connection_(connection), fd_(io, fd.release()), timer_(io), on_lost_(std::move(on_lost)) {}

  void wake() {
    if (!std::exchange(wake_posted_, true)) {
      asio::post(io_, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
          self->wake_posted_ = false;
          self->rearm();
        }
      });
    }
  }

 private:
  void drain() {
    if (lost_) {
      return;
    }
    int left = kMessagesPerTurn;
    try {
      while (left > 0 && connection_.processPendingRequest()) {
        --left;
      }
    } catch (const std::exception& error) {
      lose(error.what());
      return;
    }
    rearm();
    if (left == 0) {
      asio::post(io_, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) {
          self->drain();
        }
      });
    }
  }

  // Waits for what the library wants next. Its first wish after the start is "no event, time-out 0".
  void rearm() {
    if (lost_) {
      return;
    }
    try {
      const auto wanted = connection_.getEventLoopPollData();  // throws when the bus has gone
      if ((wanted.events & POLLIN) != 0) {
        wait(Descriptor::wait_read, waiting_read_);
      }
      if ((wanted.events & POLLOUT) != 0) {
        wait(Descriptor::wait_write, waiting_write_);
      }
      wait_until(wanted);
    } catch (const std::exception& error) {
      lose(error.what());
    }
  }

  void wait(Descriptor::wait_type what, bool& waiting) {
    if (std::exchange(waiting, true)) {
      return;
    }
    fd_.async_wait(what, [weak = weak_from_this(), &waiting](boost::system::error_code error) {
      if (const auto self = weak.lock()) {  // which owns `waiting`
        waiting = false;
        if (error) {
          self->lose(error.message());
        } else {
          self->drain();
        }
      }
    });
  }

  void wait_until(const sdbus::IConnection::PollData& wanted) {
    timer_.cancel();
    const auto left = wanted.getRelativeTimeout();
    if (!left) {
      return;
    }
    timer_.expires_after(*left);
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
      if (const auto self = weak.lock(); self && !error) {
        self->drain();
      }
    });
  }

  void lose(const std::string& why) {
    if (std::exchange(lost_, true)) {
      return;
    }
    timer_.cancel();
    // Posted: whoever woke us is not ready to be taken down here.
    asio::post(io_, [weak = weak_from_this(), why] {
      if (const auto self = weak.lock()) {
        const Lost on_lost = self->on_lost_;  // may destroy the pump
        on_lost(why);
      }
    });
  }

  asio::io_context& io_;
  sdbus::IConnection& connection_;
  Descriptor fd_;  // a duplicate: Asio closes it, the bus library keeps its own
  asio::steady_timer timer_;
  Lost on_lost_;
  bool waiting_read_ = false;
  bool waiting_write_ = false;
  bool wake_posted_ = false;
  bool lost_ = false;
};

Result<BusPump> BusPump::start(asio::io_context& io, sdbus::IConnection& connection, Lost on_lost) {
  try {
    UniqueFd fd(::fcntl(connection.getEventLoopPollData().fd, F_DUPFD_CLOEXEC, 3));
    if (!fd) {
      return fail_errno("duplicate the descriptor of the bus");
    }
    BusPump pump(std::make_shared<Loop>(io, connection, std::move(fd), std::move(on_lost)));
    pump.wake();
    return pump;
  } catch (const std::exception& error) {
    return fail(Errc::kGone, std::string("watch the bus: ") + error.what());
  }
}

BusPump::BusPump(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {}
BusPump::BusPump(BusPump&&) noexcept = default;
BusPump& BusPump::operator=(BusPump&&) noexcept = default;
BusPump::~BusPump() = default;

void BusPump::wake() {
  loop_->wake();
}

}  // namespace pmend::bus
