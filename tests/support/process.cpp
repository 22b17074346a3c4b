// SPDX-License-Identifier: Apache-2.0
#include "support/process.hpp"

#include "support/must.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <utility>

namespace pmend::world {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

[[noreturn]] void become(const Arguments& arguments, const ChildOptions& options) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  if (!options.output_file.empty()) {
    const int file = open(options.output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
  }
  for (const auto& [ours, theirs] : options.descriptors) {
    // dup2() of a number onto itself would leave it close-on-exec.
    if (ours == theirs) {
      fcntl(ours, F_SETFD, 0);
    } else {
      dup2(ours, theirs);
    }
  }
  for (const std::string& setting : options.environment) {
    putenv(const_cast<char*>(setting.c_str()));
  }
  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

int exit_status(const siginfo_t& info) {
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

std::string read_until_end(int fd, steady_clock::time_point deadline) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    pollfd ready{fd, POLLIN, 0};
    if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) <= 0) {
      return text;
    }
    const ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n <= 0) {
      return text;
    }
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace

Child::Child(const Arguments& arguments, const ChildOptions& options) {
  pid_ = must_call(fork(), "fork");
  if (pid_ == 0) {
    become(arguments, options);
  }
  pidfd_ = UniqueFd(static_cast<int>(must_call(syscall(SYS_pidfd_open, pid_, 0), "pidfd_open")));
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::move(other.pidfd_);
  }
  return *this;
}

Child::~Child() {
  kill();
}

void Child::signal(int number) const {
  if (started()) {
    syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
  }
}

std::optional<int> Child::wait(milliseconds limit) {
  if (!started()) {
    return std::nullopt;
  }
  pollfd ended{pidfd_.get(), POLLIN, 0};
  if (poll(&ended, 1, static_cast<int>(limit.count())) <= 0) {
    return std::nullopt;
  }
  siginfo_t info{};
  must_call(waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED), "waitid");
  pid_ = -1;
  pidfd_.reset();
  return exit_status(info);
}

void Child::kill() {
  if (started()) {
    signal(SIGKILL);
    signal(SIGCONT);
    wait(milliseconds(-1));
  }
}

CommandResult run_command(const Arguments& arguments, std::chrono::seconds limit) {
  std::array<int, 2> pipe_ends{};
  must_call(pipe2(pipe_ends.data(), O_CLOEXEC), "pipe2");
  const UniqueFd reader(pipe_ends[0]);
  UniqueFd writer(pipe_ends[1]);
  const auto deadline = steady_clock::now() + limit;
  Child child(arguments, {{{writer.get(), STDOUT_FILENO}, {writer.get(), STDERR_FILENO}}, {}, {}});
  writer.reset();
  CommandResult result;
  result.output = read_until_end(reader.get(), deadline);
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
  auto status = child.wait(std::max(left, milliseconds(0)));
  if (!status) {
    child.signal(SIGKILL);
    status = child.wait(milliseconds(-1));
  }
  result.status = *status;
  return result;
}

std::string must_run(const Arguments& arguments, std::chrono::seconds limit) {
  CommandResult result = run_command(arguments, limit);
  if (result.status != 0) {
    std::string line;
    for (const std::string& argument : arguments) {
      line += argument + " ";
    }
    throw Failure(line + "ended with " + std::to_string(result.status) + ": " + result.output);
  }
  return std::move(result.output);
}

std::string program_directory() {
  // Test programs lie in BUILD/tests, the programs under test in BUILD/bin.
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
  return self.parent_path().parent_path() / "bin";
}

}  // namespace pmend::world
