// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/log.hpp"
#include "pmend/bus/backend.hpp"
#include "pmend/bus/pending_calls.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace pmend::bus {

// What the objects on the bus have in common: every call is owned, guarded and, where it steers, checked for who
// called. No exception leaves it: one that is not an sdbus::Error would unwind through the C frames of the bus library.
class CallDesk {
 public:
  // All outlive the desk, and `log` also every reply. `after_sending` as in PendingCalls.
  CallDesk(sdbus::IConnection& connection, BusBackend& backend, log::Sink& log, std::function<void()> after_sending);

  BusBackend& backend() { return backend_; }

  // Runs `body(call)`; it answers the call now or later.
  template <class... Values, class Body>
  void take(sdbus::Result<Values...>&& result, const Body& body) {
    if (const auto call = calls_.keep(std::move(result))) {
      guard(
          log_, [&](const Failure& failure) { call->fail(failure); }, [&] { body(*call); });
    }
  }

  // The same for what only root may do: `body(call, who)` runs when the bus has told who the sender is.
  template <class... Values, class Body>
  void take_from_root(const sdbus::IObject& object, sdbus::Result<Values...>&& result, Body body) {
    take(std::move(result), [&](const auto& call) {
      ask_for_uid(object.getCurrentlyProcessedMessage()->getSender(),
                  [this, call, body](const Answer<std::string>& who) {
                    const auto fail = [&](const Failure& failure) { call.fail(failure); };
                    who ? guard(log_, fail, [&] { body(call, *who); }) : fail(who.error());
                  });
    });
  }

  // Hands a request of root to the backend, with who it is.
  void operate(const sdbus::IObject& object, sdbus::Result<>&& result, const OperatorCall& request);
  // The same for an approval, whose hash is checked for its form.
  void approve(const sdbus::IObject& object, sdbus::Result<>&& result, IncidentId id, std::string plan_hash);

  // Answers `call` with what `convert` makes of the value.
  template <class T, class CallOf, class Convert>
  Reply<T> reply_to(CallOf call, Convert convert) {
    // Without `this`: the desk may have gone when the answer comes.
    return Reply<T>([&log = log_, call, convert](const Answer<T>& answer) {
      const auto fail = [&](const Failure& failure) { call.fail(failure); };
      answer ? guard(log, fail, [&] { convert(call, *answer); }) : fail(answer.error());
    });
  }

 private:
  using Fail = std::function<void(const Failure&)>;

  static void guard(log::Sink& log, const Fail& fail, const std::function<void()>& body);
  // "uid 0", or NotAuthorized for everybody else.
  void ask_for_uid(const std::string& sender, std::function<void(const Answer<std::string>&)> next);

  BusBackend& backend_;
  log::Sink& log_;
  std::function<void()> after_sending_;
  PendingCalls calls_;
  std::unique_ptr<sdbus::IProxy> bus_;  // the bus itself, which knows who its clients are
};

}  // namespace pmend::bus
