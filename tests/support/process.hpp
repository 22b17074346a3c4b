// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace pmend::world {

using Arguments = std::vector<std::string>;

struct CommandResult {
  int status = 0;      // exit code, or 128 + signal
  std::string output;  // stdout and stderr together
};

// Runs a program (looked up in PATH) to its end, without standard input. Killed after `limit`; status is then 137.
CommandResult run_command(const Arguments& arguments, std::chrono::seconds limit = std::chrono::seconds(60));

// The same; throws Failure with the output unless the exit code is 0.
std::string must_run(const Arguments& arguments, std::chrono::seconds limit = std::chrono::seconds(60));

struct ChildOptions {
  // Descriptors that the program gets under these numbers.
  std::vector<std::pair<int, int>> descriptors;  // ours -> theirs
  std::vector<std::string> environment;          // "NAME=value", added to ours
  std::string output_file;                       // stdout and stderr go here; empty: inherited
};

// A program running beside the test. It is killed when the test's thread that started it ends, and when the object is
// destroyed.
class Child {
 public:
  Child() = default;
  explicit Child(const Arguments& arguments, const ChildOptions& options = {});
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  pid_t pid() const { return pid_; }
  bool started() const { return pid_ > 0; }
  void signal(int number) const;
  // The exit status as in CommandResult once the child was reaped; nothing if it still runs after `limit`.
  std::optional<int> wait(std::chrono::milliseconds limit);
  // SIGKILL and reap.
  void kill();

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
};

// The directory that holds the programs under test (pmend-medium …), found from the running test program.
std::string program_directory();

}  // namespace pmend::world
