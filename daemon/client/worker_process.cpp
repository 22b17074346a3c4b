// SPDX-License-Identifier: Apache-2.0
#include "client/worker_process.hpp"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <utility>
#include <variant>

namespace pmend::client {
namespace {

constexpr int kWorkerFd = 3;

// The process ended, and somebody else may still hold its end of the connection.
constexpr std::chrono::seconds kDrain{1};

std::string name_of(protocol::Role role) {
  return std::string(to_string(role));
}

std::string text_of(loop::ExitStatus status) {
  if (status == loop::kCannotRun) {
    return "it is no program that can be run here";
  }
  return status > 128 ? "it was ended by signal " + std::to_string(status - 128)
                      : "it exited with status " + std::to_string(status);
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(boost::asio::io_context& io, const WorkerPlace& place,
                                                            protocol::Role role, Handlers handlers,
                                                            const WorkerLimits& limits) {
  std::unique_ptr<WorkerProcess> worker(new WorkerProcess(io, role, std::move(handlers), limits));
  const Status started = place.program.empty() ? worker->connect(place.socket) : worker->start_program(place);
  if (!started) {
    return wrap(started.error(), "the worker cannot be had");
  }
  const auto sent = worker->send(protocol::Hello{protocol::kVersion, role, static_cast<std::uint32_t>(getpid())});
  if (!sent) {
    return wrap(sent.error(), "greet the worker");
  }
  worker->deadline_.set(limits.hello, [self = worker.get()] { self->kill("it did not say hello in time"); });
  return worker;
}

WorkerProcess::WorkerProcess(boost::asio::io_context& io, protocol::Role role, Handlers handlers,
                             const WorkerLimits& limits)
    : io_(io), role_(role), handlers_(std::move(handlers)), limits_(limits), deadline_(io) {}

Status WorkerProcess::start_program(const WorkerPlace& place) {
  // The child could only say kCannotRun.
  if (access(place.program.c_str(), X_OK) != 0) {
    return fail_errno("start " + place.program);
  }
  if (is_directory(place.program)) {
    return fail_errno("start " + place.program, EISDIR);
  }
  auto ends = loop::message_socket_pair();
  if (!ends) {
    return tl::make_unexpected(std::move(ends.error()));
  }
  loop::Command command{{place.program, name_of(role_), "--fd", std::to_string(kWorkerFd)},
                        {{ends->second.get(), kWorkerFd}}};
  command.arguments.insert(command.arguments.end(), place.arguments.begin(), place.arguments.end());
  auto child =
      loop::ChildProcess::start(io_, command, [this](loop::ExitStatus status) { process_ended(text_of(status)); });
  if (!child) {
    return wrap(child.error(), "start " + place.program);
  }
  child_ = std::move(*child);
  process_known_ = true;
  take_link(std::move(ends->first));
  return {};
}

Status WorkerProcess::connect(const std::string& socket) {
  auto connected = loop::connect_message_socket(is_directory(socket) ? socket + "/" + name_of(role_) : socket);
  if (!connected) {
    return tl::make_unexpected(std::move(connected.error()));
  }
  take_link(std::move(*connected));
  return {};
}

void WorkerProcess::take_link(UniqueFd socket) {
  link_ = std::make_unique<loop::MessageLink>(
      io_, std::move(socket),
      loop::MessageLink::Handlers{[this](protocol::Message message) { take(std::move(message)); },
                                  [this](const std::string& why) { link_ended(why); }});
  link_open_ = true;
}

Status WorkerProcess::send(const protocol::Message& message) {
  if (!link_open_) {
    return fail(Errc::kGone, "the connection to the worker");
  }
  return link_->send(message);
}

void WorkerProcess::take(protocol::Message message) {
  if (!link_open_) {
    return;  // it was given up
  }
  const auto* const hello = std::get_if<protocol::Hello>(&message);
  if ((hello != nullptr) == greeted_) {
    kill(greeted_ ? "it said hello twice" : "it did not say hello first");
  } else if (hello != nullptr) {
    greet(*hello);
  } else {
    handlers_.on_message(std::move(message));
  }
}

void WorkerProcess::greet(const protocol::Hello& hello) {
  greeted_ = true;
  deadline_.cancel();
  if (hello.version != protocol::kVersion) {
    kill("it speaks version " + std::to_string(hello.version) + " of the protocol and pmend version " +
         std::to_string(protocol::kVersion) + ": they are not of the same build");
  } else if (hello.role != role_) {
    kill("it says that its role is " + name_of(hello.role) + ", not " + name_of(role_));
  } else if (!child_) {
    watch_process(hello.pid);
  }
}

void WorkerProcess::watch_process(std::uint32_t pid) {
  pidfd_ = UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
  if (!pidfd_) {  // it has ended already; what it said before is still to be read
    return;
  }
  process_known_ = true;
  pid_watch_ = std::make_unique<loop::FdWatch>(io_, pidfd_.get(), loop::FdWatch::For::kReadable, [this] {
    pid_watch_.reset();
    process_ended("its process ended");
  });
}

void WorkerProcess::finish() {
  if (link_open_) {
    close_link();
  }
}

void WorkerProcess::kill(const std::string& why) {
  note(why);
  link_open_ = false;
  signal_kill();
}

void WorkerProcess::note(const std::string& why) {
  if (why_.empty()) {
    why_ = why;
  }
}

void WorkerProcess::link_ended(const std::string& why) {
  note("its connection ended: " + why);
  close_link();
}

// Destroyed later: this may be one of its calls.
void WorkerProcess::close_link() {
  link_open_ = false;
  deadline_.set(std::chrono::milliseconds(0), [this] {
    link_.reset();
    if (process_known_ && !process_over_) {
      deadline_.set(limits_.end, [this] { signal_kill(); });
    }
    tell_gone_if_over();
  });
}

void WorkerProcess::signal_kill() {
  if (child_) {
    child_->signal(SIGKILL);
  } else if (pidfd_) {  // fails where it is another user's; then the end of its connection has to do
    syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  }
  deadline_.set(std::chrono::milliseconds(0), [this] {
    link_.reset();
    if (process_known_ && !process_over_) {
      deadline_.set(limits_.kill, [call = handlers_.on_stuck] { call(); });
    }
    tell_gone_if_over();
  });
}

void WorkerProcess::process_ended(const std::string& why) {
  process_over_ = true;
  if (link_open_) {  // what it said last is still to be read
    deadline_.set(kDrain, [this] { finish(); });
  } else {
    deadline_.cancel();
    link_.reset();
  }
  why_ += (why_.empty() ? "" : "; ") + why;
  tell_gone_if_over();
}

void WorkerProcess::tell_gone_if_over() {
  if (link_open_ || (process_known_ && !process_over_) || std::exchange(gone_told_, true)) {
    return;
  }
  deadline_.set(std::chrono::milliseconds(0), [this] {
    // It may destroy this object.
    const auto call = handlers_.on_gone;
    call(why_.empty() ? "it was not needed any more" : why_);
  });
}

}  // namespace pmend::client
