// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/fd_watch.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/model/observe_verbs.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace pmend::worker {

inline constexpr const char* kDimmHealth = "dimm-health";

// One DIMM's flags in sysfs, where the kernel signals a health event of its firmware (POLLPRI; what
// ndctl_dimm_get_health_eventfd(3) opens). What has changed is read by somebody else; wake-ups may be spurious.
class DimmWatch {
 public:
  // `flags`: the path of the attribute. One that is not there, or cannot be polled, is not watched.
  DimmWatch(boost::asio::io_context& io, std::string name, const std::string& flags, std::function<void()> on_event);

  bool is_watching() const { return watch_ != nullptr; }
  protocol::SourceCounters counters() const { return counters_; }

 private:
  void woken();

  UniqueFd fd_;
  std::unique_ptr<loop::FdWatch> watch_;
  std::function<void()> on_event_;
  protocol::SourceCounters counters_;
};

}  // namespace pmend::worker
