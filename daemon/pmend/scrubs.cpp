// SPDX-License-Identifier: Apache-2.0
#include "pmend/scrubs.hpp"

#include <utility>
#include <variant>

namespace pmend::daemon {

using bus::Answer;
using bus::Done;
using bus::ErrorCode;
using bus::ScrubState;

Answer<Done> Scrubs::start(const std::string& device, const std::string& who) {
  if (!observer_.observing()) {
    return bus::refuse(ErrorCode::kUnavailable, "the observing worker is not there");
  }
  Scrub& scrub = scrubs_[device];
  if (scrub.request) {
    return bus::refuse(ErrorCode::kBusy, "a scrub of " + device + " is under way");
  }
  scrub.view = {.device = device};
  log_.write(log::make_record(log::Level::kNotice, "{DEVICE} is read through for media errors, as {WHO} asked",
                              {{"DEVICE", device}, {"WHO", who}}));
  scrub.request = observer_.scrub(device, {[&scrub](const protocol::Progress& progress) {
                                             scrub.view.done = progress.done;
                                             scrub.view.size = progress.total;
                                           },
                                           [this, device](const auto& reply) { end(device, reply); }});
  return Done{};
}

Answer<Done> Scrubs::cancel(const std::string& device) {
  const auto found = scrubs_.find(device);
  if (found == scrubs_.end() || !found->second.request) {
    return bus::refuse(ErrorCode::kNotFound, "no scrub of " + device + " is under way");
  }
  observer_.cancel_scrub(*found->second.request);
  return Done{};
}

Answer<bus::ScrubView> Scrubs::view(const std::string& device) const {
  const auto found = scrubs_.find(device);
  if (found == scrubs_.end()) {
    return bus::refuse(ErrorCode::kNotFound, "no scrub of " + device + " since pmend was started");
  }
  return found->second.view;
}

void Scrubs::note(const engine::Input& input) {
  const auto* const gone = std::get_if<engine::WorkerGone>(&input);
  if (gone == nullptr || gone->job) {
    return;
  }
  for (auto& [device, scrub] : scrubs_) {
    if (scrub.request) {
      fail(scrub, "the observing worker is gone: " + gone->why);
    }
  }
}

void Scrubs::end(const std::string& device, const tl::expected<protocol::ScrubReply, protocol::ReplyError>& reply) {
  Scrub& scrub = scrubs_.at(device);
  if (!reply) {
    fail(scrub, reply.error().what);
    return;
  }
  scrub.request.reset();
  scrub.view.state = reply->cancelled ? ScrubState::kCancelled : ScrubState::kDone;
  scrub.view.done = reply->done;
  scrub.view.size = reply->size;
  scrub.view.found = *reply;
  log_.write(log::make_record(
      log::Level::kNotice, "The scrub of {DEVICE} ended: {STATE}, {BYTES} bytes unreadable, {NEW} of them not listed",
      {{"DEVICE", device},
       {"STATE", std::string(to_string(scrub.view.state))},
       {"BYTES", std::to_string(reply->unreadable.bytes)},
       {"NEW", std::to_string(reply->unlisted.bytes)}}));
}

void Scrubs::fail(Scrub& scrub, const std::string& why) {
  scrub.request.reset();
  scrub.view.state = ScrubState::kFailed;
  scrub.view.reason = why;
  log_.write(log::make_record(log::Level::kWarning, "The scrub of {DEVICE} failed: {WHY}",
                              {{"DEVICE", scrub.view.device}, {"WHY", why}}));
}

}  // namespace pmend::daemon
