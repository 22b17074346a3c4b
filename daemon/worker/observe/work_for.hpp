// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/json_reader.hpp"
#include "pmend/model/protocol.hpp"
#include "worker/places.hpp"
#include "worker/request_child.hpp"
#include "worker/setting.hpp"

#include <nlohmann/json.hpp>

#include <functional>

namespace pmend::worker {

// What a child does for a request: its body is parsed, one of the functions of answers.hpp and files.hpp asked, its
// value printed.
template <class Body, class Ask>
std::function<Answer()> work_for(const Setting& setting, const protocol::Request& request, Ask ask) {
  return [setting, body = request.body, ask]() -> Answer {
    const auto parsed = from_json<Body>(body);
    if (!parsed) {
      return tl::make_unexpected(protocol::ReplyError{protocol::ErrorCode::kInvalid, parsed.error().message()});
    }
    const auto value = ask(setting, *parsed);
    if (!value) {
      return tl::make_unexpected(reply_error(value.error()));
    }
    return to_json(*value);
  };
}

}  // namespace pmend::worker
