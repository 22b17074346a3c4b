// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/fd_watch.hpp"
#include "worker/observe/trace_decoder.hpp"
#include "worker/observe/trace_instance.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pmend::worker {

// Gives the events of the kernel's tracepoints as they happen, without ever waking up while there are none.
class TraceSource {
 public:
  struct Handlers {
    std::function<void(const TraceEvent&)> on_event;
    std::function<void(std::uint64_t lost)> on_lost;
  };

  // `proc` tells where tracefs is mounted.
  TraceSource(boost::asio::io_context& io, const std::string& proc, Handlers handlers);

  // The events that are watched: "ras:memory_failure_event", …
  const std::vector<std::string>& events() const { return events_; }
  // Empty if it works, else why there is nothing.
  const std::string& absent() const { return absent_; }

 private:
  Status start(boost::asio::io_context& io, const std::string& proc);
  Status set_up(const std::string& tracing);
  void read_some();
  void receive(const TracePage& page);

  Handlers handlers_;
  std::string absent_;
  std::vector<std::string> events_;
  std::optional<TraceInstance> instance_;
  std::optional<TraceDecoder> decoder_;
  std::vector<std::byte> page_;
  std::unique_ptr<loop::FdWatch> watch_;
};

}  // namespace pmend::worker
