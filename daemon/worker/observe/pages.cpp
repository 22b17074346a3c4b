// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/pages.hpp"

#include "pmend/model/json_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace pmend::worker {
namespace {

using protocol::ErrorCode;
using protocol::Reply;
using protocol::ReplyError;

// Room for what stands around the body in the message.
constexpr std::size_t kMostBodyBytes = protocol::kMaxMessageBytes - 1024;
constexpr std::size_t kMostKept = 8;

}  // namespace

std::string paged_member(protocol::Verb verb) {
  if (verb == protocol::Verb::kLocate) {
    return "owners";
  }
  return verb == protocol::Verb::kOpeners || verb == protocol::Verb::kFiles ? "files" : "ranges";
}

Reply Pages::first(RequestId id, const std::string& list_key, Json body) {
  Reply reply{id, {}, {}, {}};
  if (to_json_text(body).size() <= kMostBodyBytes) {
    reply.body = std::move(body);
    return reply;
  }
  const auto list = body.find(list_key);
  if (list == body.end() || !list->is_array()) {
    reply.error = ReplyError{ErrorCode::kTooLarge, "the answer does not fit into a message"};
    return reply;
  }
  Json elements = std::exchange(*list, Json::array());
  std::size_t bytes = to_json_text(body).size();
  std::size_t count = 0;
  for (; count < elements.size(); ++count) {
    const std::size_t more = to_json_text(elements[count]).size() + 1;
    if (bytes + more > kMostBodyBytes) {
      break;
    }
    bytes += more;
    body[list_key].push_back(elements[count]);
  }
  if (count == 0) {
    reply.error = ReplyError{ErrorCode::kTooLarge, "one element of the answer does not fit into a message"};
    return reply;
  }
  Json rest = body;
  rest[list_key] = Json::array();
  for (; count < elements.size(); ++count) {
    rest[list_key].push_back(std::move(elements[count]));
  }
  reply.body = std::move(body);
  reply.cursor = std::to_string(next_cursor_++);
  kept_.push_back({*reply.cursor, list_key, std::move(rest)});
  if (kept_.size() > kMostKept) {
    kept_.pop_front();
  }
  return reply;
}

Reply Pages::next(RequestId id, const std::string& cursor) {
  const auto found = std::ranges::find(kept_, cursor, &Kept::cursor);
  if (found == kept_.end()) {
    return {id, {}, ReplyError{ErrorCode::kNotFound, "no page '" + cursor + "': ask again from the beginning"}, {}};
  }
  Kept page = std::move(*found);
  kept_.erase(found);
  return first(id, page.list_key, std::move(page.rest));
}

}  // namespace pmend::worker
