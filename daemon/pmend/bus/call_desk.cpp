// SPDX-License-Identifier: Apache-2.0
#include "pmend/bus/call_desk.hpp"

#include "bus/names.hpp"
#include "pmend/base/text.hpp"

#include <cstdint>
#include <exception>
#include <utility>

namespace pmend::bus {
namespace {

std::string name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return kErrorNotFound;
    case ErrorCode::kStalePlan:
      return kErrorStalePlan;
    case ErrorCode::kNotAuthorized:
      return kErrorNotAuthorized;
    case ErrorCode::kBusy:
      return kErrorBusy;
    case ErrorCode::kUnavailable:
      return kErrorUnavailable;
    case ErrorCode::kInvalid:
      return kErrorInvalid;
  }
  return kErrorUnavailable;
}

Answer<std::string> only_root(std::uint32_t uid) {
  if (uid != 0) {
    return refuse(ErrorCode::kNotAuthorized, "this is for root, and the caller is uid " + std::to_string(uid));
  }
  return "uid 0";
}

}  // namespace

sdbus::Error to_bus_error(const Failure& failure) {
  return {name_of(failure.code), escape_bytes(failure.what)};
}

CallDesk::CallDesk(sdbus::IConnection& connection, BusBackend& backend, log::Sink& log,
                   std::function<void()> after_sending)
    : backend_(backend),
      log_(log),
      after_sending_(std::move(after_sending)),
      calls_(after_sending_),
      bus_(sdbus::createProxy(connection, "org.freedesktop.DBus", "/org/freedesktop/DBus")) {}

void CallDesk::operate(const sdbus::IObject& object, sdbus::Result<>&& result, const OperatorCall& request) {
  take_from_root(object, std::move(result), [this, request](const auto& call, const std::string& who) {
    OperatorCall complete = request;
    complete.who = who;
    backend_.operate(complete, reply_to<Done>(call, [](const auto& waiting, const Done&) { waiting.answer(); }));
  });
}

void CallDesk::approve(const sdbus::IObject& object, sdbus::Result<>&& result, IncidentId id, std::string plan_hash) {
  if (!is_sha256_hex(plan_hash)) {
    take(std::move(result), [](const auto& call) {
      call.fail({ErrorCode::kInvalid, "plan_hash: expected 64 lower-case hex digits"});
    });
    return;
  }
  operate(object, std::move(result),
          {.verb = OperatorVerb::kApprove, .incident = id, .plan_hash = std::move(plan_hash)});
}

void CallDesk::guard(log::Sink& log, const Fail& fail, const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& error) {
    log.write(log::make_record(log::Level::kCritical, "A call on the bus met an internal error: {ERROR}",
                               {{"ERROR", error.what()}}));
    fail({ErrorCode::kUnavailable, std::string("internal error: ") + error.what()});
  }
}

void CallDesk::ask_for_uid(const std::string& sender, std::function<void(const Answer<std::string>&)> next) {
  bus_->callMethodAsync("GetConnectionUnixUser")
      .onInterface("org.freedesktop.DBus")
      .withArguments(sender)
      .uponReplyInvoke([next = std::move(next)](const sdbus::Error* error, std::uint32_t uid) {
        next(error == nullptr ? only_root(uid)
                              : refuse(ErrorCode::kNotAuthorized, "nobody knows who calls: " + error->getMessage()));
      });
  after_sending_();
}

}  // namespace pmend::bus
