// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/fd_watch.hpp"
#include "pmend/base/error.hpp"
#include "pmend/base/unique_fd.hpp"

#include <boost/asio/io_context.hpp>

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pmend::loop {

struct Command {
  std::vector<std::string> arguments;            // [0] is the program's path
  std::vector<std::pair<int, int>> descriptors;  // ours -> theirs; everything else is closed on exec
};

// How a process ended: exit code, or 128 + signal.
using ExitStatus = int;
// Of a child that could not become its program.
inline constexpr ExitStatus kCannotRun = 127;

// A program started by this one. `on_end` is called from the loop once the process is reaped: only then is it gone; the
// end of its connection proves nothing. Destroying the object neither kills nor waits.
class ChildProcess {
 public:
  static Result<std::unique_ptr<ChildProcess>> start(boost::asio::io_context& io, const Command& command,
                                                     std::function<void(ExitStatus)> on_end);

  pid_t pid() const { return pid_; }
  void signal(int number) const;

 private:
  ChildProcess(boost::asio::io_context& io, pid_t pid, UniqueFd pidfd, std::function<void(ExitStatus)> on_end);
  void reap();

  pid_t pid_;
  UniqueFd pidfd_;
  std::function<void(ExitStatus)> on_end_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace pmend::loop
