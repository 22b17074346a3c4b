// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/json.hpp"
#include "pmend/model/protocol.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace pmend::worker {

// The member of an answer to this verb that it is cut along.
std::string paged_member(protocol::Verb verb);

// Cuts answers that do not fit into one message: the list under one key of the body is spread over several pages, the
// rest of the body stands on each. Keeps the pages that were not asked for yet, of the last few answers.
class Pages {
 public:
  // The first page, with a cursor if there are more. An element that does not fit alone makes the answer `too-large`.
  protocol::Reply first(RequestId id, const std::string& list_key, Json body);
  // The page that the cursor of an earlier reply names; `not-found` if it is not kept any more.
  protocol::Reply next(RequestId id, const std::string& cursor);

 private:
  struct Kept {
    std::string cursor;
    std::string list_key;
    Json rest;
  };

  std::deque<Kept> kept_;
  std::uint64_t next_cursor_ = 1;
};

}  // namespace pmend::worker
