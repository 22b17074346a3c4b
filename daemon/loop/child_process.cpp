// SPDX-License-Identifier: Apache-2.0
#include "loop/child_process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace pmend::loop {
namespace {

// Between fork and exec of a single-threaded loop: only async-signal-safe calls.
[[noreturn]] void become(char* const* argv, const std::vector<std::pair<int, int>>& descriptors) {
  // Also what was opened without O_CLOEXEC by somebody before us.
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  for (const auto& [ours, theirs] : descriptors) {
    const int result = ours == theirs ? fcntl(ours, F_SETFD, 0) : dup2(ours, theirs);
    if (result < 0) {
      _exit(kCannotRun);
    }
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(argv[0], argv);
  _exit(kCannotRun);
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(boost::asio::io_context& io, const Command& command,
                                                          std::function<void(ExitStatus)> on_end) {
  std::vector<char*> argv;
  for (const std::string& argument : command.arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid < 0) {
    return fail_errno("fork");
  }
  if (pid == 0) {
    become(argv.data(), command.descriptors);
  }
  UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    return fail_errno("pidfd_open");
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(io, pid, std::move(pidfd), std::move(on_end)));
}

ChildProcess::ChildProcess(boost::asio::io_context& io, pid_t pid, UniqueFd pidfd,
                           std::function<void(ExitStatus)> on_end)
    : pid_(pid),
      pidfd_(std::move(pidfd)),
      on_end_(std::move(on_end)),
      watch_(std::make_unique<FdWatch>(io, pidfd_.get(), FdWatch::For::kReadable, [this] { reap(); })) {}

void ChildProcess::signal(int number) const {
  syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

void ChildProcess::reap() {
  siginfo_t info{};
  if (waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0) {
    return;
  }
  watch_.reset();
  const ExitStatus status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  // The callback may destroy this object.
  const auto call = std::exchange(on_end_, nullptr);
  call(status);
}

}  // namespace pmend::loop
