// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace pmend::client {

// Where workers come from.
struct WorkerPlace {
  // To start, with `observe` or `repair` and the arguments behind it. Empty: connect to the socket.
  std::string program;
  std::vector<std::string> arguments;
  // Serves both roles; or it is a directory that holds the sockets `observe` and `repair`.
  std::string socket;

  friend bool operator==(const WorkerPlace&, const WorkerPlace&) = default;
};

// What --worker PATH|unix:SOCKET means.
WorkerPlace worker_place(const std::string& worker);

}  // namespace pmend::client
