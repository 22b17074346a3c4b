// SPDX-License-Identifier: Apache-2.0
#include "pmend/bus/backend.hpp"

#include <nlohmann/json.hpp>

namespace pmend::bus {
namespace {

ErrorCode code_of(const Error& error) {
  if (error.is(Errc::kNotFound) || error.is_errno(ENOENT) || error.is_errno(ENODEV)) {
    return ErrorCode::kNotFound;
  }
  if (error.is(Errc::kStale)) {
    return ErrorCode::kStalePlan;
  }
  if (error.is(Errc::kInvalid)) {
    return ErrorCode::kInvalid;
  }
  return error.is_errno(EBUSY) || error.is(Errc::kTimedOut) ? ErrorCode::kBusy : ErrorCode::kUnavailable;
}

}  // namespace

Failure failure_of(const Error& error) {
  return {.code = code_of(error), .what = error.message()};
}

Json to_json(const DeviceView& view) {
  Json json = to_json(view.info);
  json.emplace("bad_bytes", view.bad_bytes);
  json.emplace("list_complete", view.list_complete);
  return json;
}

Json to_json(const ScrubView& view) {
  Json json = view.found ? to_json(*view.found) : Json::object();
  json.erase("cancelled");  // the state says so
  json["device"] = view.device;
  json["state"] = to_string(view.state);
  json["size"] = view.size;
  json["done"] = view.done;
  json["reason"] = view.reason;
  return json;
}

}  // namespace pmend::bus
