// SPDX-License-Identifier: Apache-2.0
#include "loop/service_manager.hpp"

#include "pmend/base/clock.hpp"

#include <systemd/sd-daemon.h>

#include <ctime>

namespace pmend::loop {
namespace {

// The notification socket is a datagram socket of our parent; a lost line there is the parent's problem, not ours.
void tell(const std::string& lines) {
  sd_notify(0, lines.c_str());
}

}  // namespace

void notify_ready(const std::string& status) {
  tell("READY=1\nSTATUS=" + status);
}
void notify_status(const std::string& status) {
  tell("STATUS=" + status);
}

void notify_reloading() {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(SystemClock().steady().time_since_epoch());
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}

void notify_stopping(const std::string& status) {
  tell("STOPPING=1\nSTATUS=" + status);
}
void notify_watchdog() {
  tell("WATCHDOG=1");
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  std::uint64_t limit = 0;
  if (sd_watchdog_enabled(0, &limit) <= 0) {
    return std::nullopt;
  }
  return std::chrono::microseconds(limit / 2);
}

}  // namespace pmend::loop
