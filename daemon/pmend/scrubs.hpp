// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/log.hpp"
#include "pmend/bus/backend.hpp"
#include "pmend/engine/input.hpp"
#include "pmend/observer_client.hpp"

#include <map>
#include <optional>
#include <string>

namespace pmend::daemon {

// The scrubs that people asked for, by node: what is under way, and how the last one of each device ended. The
// observing worker makes them. What they find becomes a list, and so an incident; the engine does not know of scrubs.
class Scrubs {
 public:
  Scrubs(ObserverClient& observer, log::Sink& log) : observer_(observer), log_(log) {}

  // Busy while one of this device is under way.
  bus::Answer<bus::Done> start(const std::string& device, const std::string& who);
  // NotFound where none is under way. It ends soon.
  bus::Answer<bus::Done> cancel(const std::string& device);
  bus::Answer<bus::ScrubView> view(const std::string& device) const;

  // The worker that made them may have gone.
  void note(const engine::Input& input);

 private:
  struct Scrub {
    bus::ScrubView view;
    std::optional<RequestId> request;  // while it is under way
  };

  void end(const std::string& device, const tl::expected<protocol::ScrubReply, protocol::ReplyError>& reply);
  void fail(Scrub& scrub, const std::string& why);

  ObserverClient& observer_;
  log::Sink& log_;
  std::map<std::string, Scrub> scrubs_;
};

}  // namespace pmend::daemon
