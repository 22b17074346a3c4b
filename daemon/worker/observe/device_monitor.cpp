// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/device_monitor.hpp"

#include <libudev.h>

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace pmend::worker {
namespace {

constexpr int kReceiveBufferBytes = 16 << 20;
// A storm of events must not starve the loop.
constexpr int kEventsPerTurn = 64;

}  // namespace

DeviceMonitor::DeviceMonitor(boost::asio::io_context& io, Handlers handlers) : handlers_(std::move(handlers)) {
  start(io);
}

DeviceMonitor::~DeviceMonitor() {
  watch_.reset();
  udev_monitor_unref(monitor_);
  udev_unref(udev_);
}

void DeviceMonitor::start(boost::asio::io_context& io) {
  const bool has_udevd = access("/run/udev/control", F_OK) == 0;
  udev_ = udev_new();
  monitor_ = udev_ == nullptr ? nullptr : udev_monitor_new_from_netlink(udev_, has_udevd ? "udev" : "kernel");
  const auto hear_of = [this](const char* subsystem) {
    return udev_monitor_filter_add_match_subsystem_devtype(monitor_, subsystem, nullptr) >= 0;
  };
  const bool ready = monitor_ != nullptr && hear_of("block") && hear_of("nd") && hear_of("dax") &&
                     udev_monitor_enable_receiving(monitor_) >= 0;
  if (!ready) {
    problem_ = std::string("udev monitor: ") + std::strerror(errno);
    return;
  }
  // Beyond the system's limit it takes CAP_NET_ADMIN, which the unit does not give. A smaller one loses events earlier,
  // and says so.
  [[maybe_unused]] const int a_smaller_buffer_does_too =
      udev_monitor_set_receive_buffer_size(monitor_, kReceiveBufferBytes);
  watch_ = std::make_unique<loop::FdWatch>(io, udev_monitor_get_fd(monitor_), loop::FdWatch::For::kReadable,
                                           [this] { receive(); });
}

void DeviceMonitor::receive() {
  for (int i = 0; i < kEventsPerTurn; ++i) {
    errno = 0;
    udev_device* device = udev_monitor_receive_device(monitor_);
    if (device == nullptr) {
      if (errno == ENOBUFS) {
        ++counters_.gaps;
        handlers_.on_gap("udev events were lost");
      }
      return;
    }
    const char* name = udev_device_get_sysname(device);
    const std::string copy = name == nullptr ? "" : name;
    udev_device_unref(device);
    if (!copy.empty()) {
      ++counters_.events;
      handlers_.on_change(copy);
    }
  }
}

}  // namespace pmend::worker
