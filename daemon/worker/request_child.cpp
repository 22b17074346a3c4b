// SPDX-License-Identifier: Apache-2.0
#include "worker/request_child.hpp"

#include "pmend/model/json_reader.hpp"
#include "pmend/model/json_text.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>

namespace pmend::worker {
namespace {

using protocol::ErrorCode;
using protocol::ReplyError;

// Answers larger than this are refused rather than kept in memory.
constexpr std::size_t kLargestAnswer = 64U << 20U;

[[noreturn]] void answer_in_child(int pipe, const std::function<Answer()>& work) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const Answer answer = work();
  const Json envelope = answer ? Json{{"body", *answer}} : Json{{"error", to_json(answer.error())}};
  const std::string text = to_json_text(envelope);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(pipe, text.data() + done, text.size() - done);
    if (n < 0) {
      _exit(1);
    }
    done += static_cast<std::size_t>(n);
  }
  _exit(0);
}

Answer parse_answer(const std::string& text) {
  const auto json = parse_json_text(text, {.size_limit = kLargestAnswer});
  if (!json) {
    return tl::make_unexpected(ReplyError{ErrorCode::kInternal, "the child that looked died without an answer"});
  }
  JsonProblems problems;
  JsonObjectReader envelope(JsonReader(json->value, problems));
  if (const auto body = envelope.optional("body")) {
    return body->value();
  }
  ReplyError error;
  if (const auto member = envelope.required("error")) {
    read_json(*member, error);
  }
  return tl::make_unexpected(error);
}

}  // namespace

Result<std::unique_ptr<RequestChild>> RequestChild::start(boost::asio::io_context& io, std::chrono::milliseconds limit,
                                                          const std::function<Answer()>& work,
                                                          std::function<void(Answer)> on_answer,
                                                          std::function<void()> on_gone) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) < 0) {
    return fail_errno("pipe2");
  }
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t pid = fork();
  if (pid < 0) {
    return fail_errno("fork");
  }
  if (pid == 0) {
    answer_in_child(writer.get(), work);
  }
  UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    return fail_errno("pidfd_open");
  }
  fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  std::unique_ptr<RequestChild> child(
      new RequestChild(io, pid, std::move(pidfd), std::move(reader), std::move(on_answer), std::move(on_gone)));
  child->deadline_.set(limit, [c = child.get()] {
    syscall(SYS_pidfd_send_signal, c->pidfd_.get(), SIGKILL, nullptr, 0);
    c->give(tl::make_unexpected(ReplyError{ErrorCode::kTimedOut, "no answer within the deadline"}));
  });
  return child;
}

RequestChild::RequestChild(boost::asio::io_context& io, pid_t, UniqueFd pidfd, UniqueFd pipe,
                           std::function<void(Answer)> on_answer, std::function<void()> on_gone)
    : pidfd_(std::move(pidfd)),
      pipe_(std::move(pipe)),
      on_answer_(std::move(on_answer)),
      on_gone_(std::move(on_gone)),
      deadline_(io),
      pipe_watch_(
          std::make_unique<loop::FdWatch>(io, pipe_.get(), loop::FdWatch::For::kReadable, [this] { read_answer(); })),
      end_watch_(std::make_unique<loop::FdWatch>(io, pidfd_.get(), loop::FdWatch::For::kReadable, [this] { reap(); })) {
}

void RequestChild::read_answer() {
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t n = read(pipe_.get(), buffer.data(), buffer.size());
    if (n < 0) {
      return;
    }
    if (n == 0) {
      pipe_watch_.reset();
      give(parse_answer(text_));
      return;
    }
    text_.append(buffer.data(), static_cast<std::size_t>(n));
    if (text_.size() > kLargestAnswer) {
      pipe_watch_.reset();
      give(tl::make_unexpected(ReplyError{ErrorCode::kTooLarge, "the answer does not fit"}));
      return;
    }
  }
}

void RequestChild::give(Answer answer) {
  deadline_.cancel();
  if (on_answer_) {
    std::exchange(on_answer_, nullptr)(std::move(answer));
  }
}

void RequestChild::reap() {
  siginfo_t info{};
  if (waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0) {
    return;
  }
  end_watch_.reset();
  // What the child wrote before it ended is still in the pipe; a grandchild that is stuck may keep its other end open.
  if (pipe_watch_) {
    read_answer();
    pipe_watch_.reset();
    give(parse_answer(text_));
  }
  // Destroys this object.
  std::exchange(on_gone_, nullptr)();
}

}  // namespace pmend::worker
