// SPDX-License-Identifier: Apache-2.0
#include "loop/fd_watch.hpp"

#include "pmend/base/unique_fd.hpp"

#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <sys/epoll.h>

#include <cerrno>
#include <utility>

namespace pmend::loop {
namespace {

[[noreturn]] void cannot_watch() {
  throw boost::system::system_error(errno, boost::system::system_category(), "watch a descriptor");
}

// Asio takes what epoll(7) does not, such as an ordinary file, and then never calls back.
void require_pollable(int fd) {
  const UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  if (!epoll || epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
    cannot_watch();
  }
}

int duplicate(int fd) {
  require_pollable(fd);
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) {
    cannot_watch();
  }
  return copy;
}

}  // namespace

struct FdWatch::State {
  State(boost::asio::io_context& io, int fd, For what_for, std::function<void()> on_ready)
      : descriptor(io, duplicate(fd)), what(what_for), callback(std::move(on_ready)) {}

  boost::asio::posix::stream_descriptor descriptor;
  For what;
  std::function<void()> callback;
  bool alive = true;
};

FdWatch::FdWatch(boost::asio::io_context& io, int fd, For what, std::function<void()> callback)
    : state_(std::make_shared<State>(io, fd, what, std::move(callback))) {
  arm(state_);
}

FdWatch::~FdWatch() {
  state_->alive = false;
  state_->descriptor.cancel();
}

void FdWatch::arm(const std::shared_ptr<State>& state) {
  using Descriptor = boost::asio::posix::stream_descriptor;
  const auto wait = state->what == For::kReadable   ? Descriptor::wait_read
                    : state->what == For::kWritable ? Descriptor::wait_write
                                                    : Descriptor::wait_error;
  state->descriptor.async_wait(wait, [weak = std::weak_ptr(state)](const boost::system::error_code& error) {
    // The error code alone would not do: a wait that ended before the watch was destroyed says success.
    const auto self = weak.lock();
    if (error || !self || !self->alive) {
      return;
    }
    self->callback();
    if (self->alive && self->what != For::kWritable) {
      arm(self);
    }
  });
}

}  // namespace pmend::loop
