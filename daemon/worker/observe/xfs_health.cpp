// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/xfs_health.hpp"

#include "pmend/base/text.hpp"
#include "pmend/block/device.hpp"
#include "pmend/block/mounts.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <utility>

namespace pmend::worker {
namespace {

using kernel::HealthEvent;

// A file system that went may be there again already; one that has shut down may end every monitor at once.
constexpr std::chrono::seconds kLookAgain{10};

std::string why_not(const Error& error) {
  if (error.is_errno(EEXIST)) {
    return "somebody else listens to it already (xfs_healer?)";
  }
  return error.is_errno(ENOTTY) ? "this kernel has none (Linux 7.0 was the first)" : error.message();
}

}  // namespace

XfsHealth::XfsHealth(boost::asio::io_context& io, const Setting& setting, Handlers handlers)
    : io_(io), setting_(setting), handlers_(std::move(handlers)), next_look_(io) {}

void XfsHealth::look() {
  const auto table = setting_.config.xfs_health ? block::read_mounts(setting_.roots.proc + "/self/mountinfo")
                                                : Result<block::MountTable>(block::MountTable{});
  if (!table) {
    return;
  }
  std::set<dev_t> mounted;
  for (const block::Mount& mount : table->mounts) {
    if (mount.type == "xfs" && mount.root == "/" && block::is_reachable(*table, mount) &&
        handlers_.wants(mount.device) && mounted.insert(mount.device).second && !listeners_.contains(mount.device)) {
      listen(mount.device, mount.target);
    }
  }
  std::erase_if(listeners_, [&mounted](const auto& entry) { return !mounted.contains(entry.first); });
}

void XfsHealth::listen(dev_t device, const std::string& mount_point) {
  auto monitor = kernel::XfsHealthMonitor::open(mount_point);
  if (!monitor) {
    return tell_once(device, "the health monitor of " + escape_bytes(mount_point) +
                                 " is not listened to: " + why_not(monitor.error()));
  }
  told_.erase(device);
  const auto found = block::read_device(setting_.roots, device);
  auto listener = std::make_unique<Listener>(
      Listener{std::move(*monitor), {kXfsHealth, found ? found->node : mount_point, 0, 0, 0, 0}, nullptr});
  listener->watch = std::make_unique<loop::FdWatch>(io_, listener->monitor.fd(), loop::FdWatch::For::kReadable,
                                                    [this, device] { readable(device); });
  listeners_[device] = std::move(listener);
}

void XfsHealth::tell_once(dev_t device, const std::string& text) {
  if (std::exchange(told_[device], text) != text) {
    handlers_.notice(text);
  }
}

void XfsHealth::readable(dev_t device) {
  Listener& listener = *listeners_.at(device);
  const auto events = listener.monitor.read();
  if (!events || !*events) {
    if (!events) {
      handlers_.gap(listener.counters.place, events.error().message());
    }
    listeners_.erase(device);
    next_look_.set(kLookAgain, [this] { look(); });
    return;
  }
  for (const HealthEvent& event : **events) {
    take(device, listener, event);
  }
}

void XfsHealth::add_counters(std::vector<protocol::SourceCounters>& counters) const {
  for (const auto& [device, listener] : listeners_) {
    counters.push_back(listener->counters);
  }
}

void XfsHealth::take(dev_t device, Listener& listener, const HealthEvent& event) {
  protocol::SourceCounters& counters = listener.counters;
  switch (event.kind) {
    case HealthEvent::Kind::kMediaError:
      ++counters.events;
      return handlers_.media_error(device, event.range);
    case HealthEvent::Kind::kLost:
      counters.gaps += event.count;
      return handlers_.gap(counters.place, std::to_string(event.count) + " events of the health monitor were lost");
    case HealthEvent::Kind::kShutdown:
      ++counters.events;
      return handlers_.notice("XFS on " + counters.place + " has shut down: " + event.reasons);
    case HealthEvent::Kind::kDataLost:  // its place on the device is told, too, and whose it is asked anyway
    case HealthEvent::Kind::kUnmounted:
    case HealthEvent::Kind::kOther:
      ++counters.spurious;
  }
}

}  // namespace pmend::worker
