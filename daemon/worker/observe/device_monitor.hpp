// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/fd_watch.hpp"
#include "pmend/model/observe_verbs.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

struct udev;
struct udev_monitor;

namespace pmend::worker {

// Tells when block devices, and what persistent memory they lie on, come, go or change, by udev's netlink monitor
// (libudev(3)). Where no udevd runs, the
// kernel's own events are taken, which come before the device node is ready.
class DeviceMonitor {
 public:
  struct Handlers {
    std::function<void(const std::string& name)> on_change;  // of the kernel: "loop3"
    std::function<void(const std::string& why)> on_gap;      // events were lost: look at everything
  };

  DeviceMonitor(boost::asio::io_context& io, Handlers handlers);
  ~DeviceMonitor();
  DeviceMonitor(const DeviceMonitor&) = delete;
  DeviceMonitor& operator=(const DeviceMonitor&) = delete;

  // Empty if it works, else why not.
  const std::string& problem() const { return problem_; }
  const protocol::SourceCounters& counters() const { return counters_; }

 private:
  void start(boost::asio::io_context& io);
  void receive();

  Handlers handlers_;
  std::string problem_;
  protocol::SourceCounters counters_{"udev", "", 0, 0, 0, 0};
  udev* udev_ = nullptr;
  udev_monitor* monitor_ = nullptr;
  std::unique_ptr<loop::FdWatch> watch_;
};

}  // namespace pmend::worker
