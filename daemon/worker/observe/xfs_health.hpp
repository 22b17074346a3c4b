// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/deadline.hpp"
#include "loop/fd_watch.hpp"
#include "pmend/kernel/xfs_health.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "worker/setting.hpp"

#include <boost/asio/io_context.hpp>

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace pmend::worker {

inline constexpr const char* kXfsHealth = "xfs-health";

// Listens to the health monitors of mounted XFS, where pmend.json asks for it ("xfs_health"): a file system can have
// but one listener, and xfs_healer(8) wants to be it.
class XfsHealth {
 public:
  struct Handlers {
    std::function<bool(dev_t)> wants;  // whether bad places of this device are of interest
    std::function<void(dev_t, const ByteRange& device_range)> media_error;
    std::function<void(const std::string& node, const std::string& why)> gap;  // events were lost
    std::function<void(const std::string& text)> notice;
  };

  // `setting` outlives this.
  XfsHealth(boost::asio::io_context& io, const Setting& setting, Handlers handlers);

  // Something may be mounted that was not, or wanted.
  void look();
  void add_counters(std::vector<protocol::SourceCounters>& counters) const;

 private:
  struct Listener {
    kernel::XfsHealthMonitor monitor;
    protocol::SourceCounters counters;
    std::unique_ptr<loop::FdWatch> watch;
  };

  void listen(dev_t device, const std::string& mount_point);
  void tell_once(dev_t device, const std::string& text);
  void readable(dev_t device);
  void take(dev_t device, Listener& listener, const kernel::HealthEvent& event);

  boost::asio::io_context& io_;
  const Setting& setting_;
  Handlers handlers_;
  std::map<dev_t, std::unique_ptr<Listener>> listeners_;
  std::map<dev_t, std::string> told_;  // why there is none
  loop::Deadline next_look_;
};

}  // namespace pmend::worker
