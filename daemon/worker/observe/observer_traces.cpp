// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/observer.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace pmend::worker {

// The part of the observer that puts what the kernel traces in its place.
void Observer::watch_traces(protocol::WatchReply& reply) {
  if (!traces_) {
    traces_ = std::make_unique<TraceNews>(
        TraceNews::Parts{io_, setting_, in_child_, tell_,
                         [this](protocol::EventKind kind, Json body) { send_event(kind, std::move(body)); },
                         [this] { return place_physical_by_sysfs(setting_.roots.sysfs); },
                         [this](const auto& node, const auto& range) { return scrubs_.is_reading(node, range); }});
  }
  traces_->add_to(reply);
}

}  // namespace pmend::worker
