// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

// What the service manager is told (sd_notify(3)). Without one (no NOTIFY_SOCKET) all of it does nothing.
namespace pmend::loop {

void notify_ready(const std::string& status);
void notify_status(const std::string& status);
// Both halves of a reload; ready ends it.
void notify_reloading();
void notify_stopping(const std::string& status);
void notify_watchdog();

// How often the service manager wants to hear of us (half of WatchdogSec=), nothing if it does not.
std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace pmend::loop
