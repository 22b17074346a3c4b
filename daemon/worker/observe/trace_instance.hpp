// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/base/unique_fd.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pmend::worker {

// A ring buffer of our own in tracefs (Linux Documentation/trace/ftrace.rst, "Instances"): nobody else's tracing is
// touched, and nobody else takes our events. It is named after this process and removed with the object. One that a
// killed process has left behind goes on recording, and is taken over with what it holds. Two processes do not meet:
// each holds a lock on the directory of its own, and the kernel removes none that is open.
class TraceInstance {
 public:
  // `tracing` is where tracefs is mounted. Errors: the errno.
  static Result<TraceInstance> create(const std::string& tracing);
  TraceInstance(TraceInstance&& other) noexcept = default;
  TraceInstance& operator=(TraceInstance&&) = delete;
  ~TraceInstance();

  // The name below `instances`.
  const std::string& name() const { return name_; }
  // Readable while anything at all is in the buffer, of whatever processor and however little (trace_pipe, which is
  // never read: reading it would take the events out as text).
  const UniqueFd& bell() const { return bell_; }
  // trace_pipe_raw of each processor, non-blocking.
  const std::vector<UniqueFd>& pipes() const { return pipes_; }

  // Records an event from here on, if it passes the filter (same document, "Event filtering"; empty: all). The filter
  // only spares work: one that the kernel does not take is left out. Errors: kUnsupported if the kernel has no such
  // event; the errno.
  Status enable(const std::string& system, const std::string& event, const std::string& filter);

 private:
  TraceInstance() = default;
  static Result<TraceInstance> open(const std::string& tracing, const std::string& name);
  Status open_pipes();

  std::string name_;
  std::string directory_;
  UniqueFd lock_;
  UniqueFd bell_;
  std::vector<UniqueFd> pipes_;
};

// Where tracefs is mounted and can be reached: /sys/kernel/tracing, or below debugfs on older systems. Nothing where it
// is not; it is not mounted by this.
std::optional<std::string> find_tracefs(const std::string& proc);

}  // namespace pmend::worker
