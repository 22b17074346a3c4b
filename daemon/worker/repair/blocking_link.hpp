// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"
#include "pmend/model/protocol.hpp"

#include <chrono>

namespace pmend::worker {

// The repairing worker's end of its connection, without a loop: a repair does one thing at a time, and between steps it
// only waits. A message that does not parse ends the connection, as everywhere.
class BlockingLink {
 public:
  explicit BlockingLink(UniqueFd socket) : socket_(std::move(socket)) {}

  // Errors: the errno; kInvalid if it does not fit.
  Status send(const protocol::Message& message);
  // The next message. Errors: kGone at the end of the connection; kTimedOut after `limit`; kInvalid for garbage.
  Result<protocol::Message> receive(std::chrono::milliseconds limit);

 private:
  UniqueFd socket_;
};

}  // namespace pmend::worker
