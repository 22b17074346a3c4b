// SPDX-License-Identifier: Apache-2.0
#include "client/worker_calls.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace pmend::client {
namespace {

using protocol::Verb;

constexpr std::chrono::seconds kGrace{10};
// Of an answer; 64 MiB of JSON are more than any device is worth.
constexpr std::size_t kMostPages = 1024;

// The member whose elements are spread over the pages, nothing for verbs that have one page.
std::optional<std::string> paged_member(Verb verb) {
  switch (verb) {
    case Verb::kObserve:
    case Verb::kList:
      return "ranges";
    case Verb::kLocate:
      return "owners";
    case Verb::kOpeners:
    case Verb::kFiles:
      return "files";
    case Verb::kWatch:
    case Verb::kPlan:
    case Verb::kScrub:
    case Verb::kCounters:
    case Verb::kRepair:
    case Verb::kResume:
    case Verb::kProceed:
    case Verb::kRelease:
    case Verb::kInspect:
      return std::nullopt;
  }
  return std::nullopt;
}

tl::unexpected<Error> broken(Verb verb, const std::string& how) {
  return fail(Errc::kInvalid, "the reply to " + std::string(to_string(verb)) + " " + how);
}

bool has_list(const Json& body, const std::string& member) {
  return body.is_object() && body.contains(member) && body[member].is_array();
}

// The first page's other members count.
Status join(Verb verb, std::optional<Json>& pages, Json page) {
  const auto member = paged_member(verb);
  if (!member || !has_list(page, *member)) {
    return broken(verb, "has pages, and they hold no list");
  }
  if (!pages) {
    pages = std::move(page);
    return {};
  }
  for (Json& element : page[*member]) {
    (*pages)[*member].push_back(std::move(element));
  }
  return {};
}

}  // namespace

protocol::Request WorkerCalls::ask(Call call, OnAnswer on_answer, SteadyTime now) {
  return request({std::move(call), std::move(on_answer), std::nullopt, 0, {}}, std::nullopt, now);
}

protocol::Request WorkerCalls::request(Open open, std::optional<std::string> cursor, SteadyTime now) {
  const RequestId id{++last_id_};
  open.overdue_at = now + open.call.deadline + kGrace;
  ++open.page_count;
  protocol::Request request{id, open.call.verb, static_cast<std::uint64_t>(open.call.deadline.count()),
                            std::move(cursor), open.call.body};
  open_.emplace(id, std::move(open));
  return request;
}

void WorkerCalls::refuse(RequestId id, protocol::ReplyError error) {
  const auto node = open_.extract(id);
  if (!node.empty()) {
    node.mapped().on_answer(tl::make_unexpected(std::move(error)));
  }
}

Result<std::optional<protocol::Request>> WorkerCalls::take(protocol::Reply reply, SteadyTime now) {
  auto node = open_.extract(reply.id);
  if (node.empty()) {
    return std::nullopt;
  }
  Open& open = node.mapped();
  const Verb verb = open.call.verb;
  if (reply.error) {
    open.on_answer(tl::make_unexpected(std::move(*reply.error)));
    return std::nullopt;
  }
  if (!reply.cursor && !open.pages) {
    open.on_answer(std::move(*reply.body));
    return std::nullopt;
  }
  if (const Status joined = join(verb, open.pages, std::move(*reply.body)); !joined) {
    return tl::make_unexpected(joined.error());
  }
  if (!reply.cursor) {
    open.on_answer(std::move(*open.pages));
    return std::nullopt;
  }
  if (open.page_count >= kMostPages) {
    return broken(verb, "does not end");
  }
  return request(std::move(open), std::move(reply.cursor), now);
}

std::optional<SteadyTime> WorkerCalls::overdue_at() const {
  const auto first = std::min_element(open_.begin(), open_.end(), [](const auto& a, const auto& b) {
    return a.second.overdue_at < b.second.overdue_at;
  });
  return first == open_.end() ? std::nullopt : std::optional(first->second.overdue_at);
}

}  // namespace pmend::client
