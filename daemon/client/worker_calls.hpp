// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/base/error.hpp"
#include "pmend/base/ids.hpp"
#include "pmend/model/protocol.hpp"

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>

namespace pmend::client {

// The requests on one connection that wait for their reply. Joins the pages of an answer. No I/O: what is to be sent is
// handed out, and what came is handed in.
class WorkerCalls {
 public:
  // The whole body, or why there is none.
  using Answer = tl::expected<Json, protocol::ReplyError>;
  using OnAnswer = std::function<void(Answer)>;

  struct Call {
    protocol::Verb verb = protocol::Verb::kInspect;
    Json body = Json::object();
    std::chrono::milliseconds deadline{0};  // of each page
  };

  // The message to send, whose answer `on_answer` takes: once, or not at all if the worker goes before.
  protocol::Request ask(Call call, OnAnswer on_answer, SteadyTime now);
  // It could not be sent.
  void refuse(RequestId id, protocol::ReplyError error);

  // A reply, which may call an OnAnswer. The next request if there are more pages. Replies to what nobody waits for are
  // ignored. Errors: kInvalid for one that breaks the protocol; its request then stays without answer.
  Result<std::optional<protocol::Request>> take(protocol::Reply reply, SteadyTime now);

  // When the first request will be so long without reply that the worker must be broken. It answers those whose
  // deadline has passed itself, a little earlier.
  std::optional<SteadyTime> overdue_at() const;
  bool empty() const { return open_.empty(); }

 private:
  struct Open {
    Call call;
    OnAnswer on_answer;
    std::optional<Json> pages;  // that came before, joined
    std::size_t page_count = 0;
    SteadyTime overdue_at;
  };

  protocol::Request request(Open open, std::optional<std::string> cursor, SteadyTime now);

  std::uint64_t last_id_ = 0;
  std::map<RequestId, Open> open_;
};

}  // namespace pmend::client
