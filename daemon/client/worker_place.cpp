// SPDX-License-Identifier: Apache-2.0
#include "client/worker_place.hpp"

#include <string_view>

namespace pmend::client {

WorkerPlace worker_place(const std::string& worker) {
  constexpr std::string_view kSocketPrefix = "unix:";
  return worker.starts_with(kSocketPrefix) ? WorkerPlace{.socket = worker.substr(kSocketPrefix.size())}
                                           : WorkerPlace{.program = worker};
}

}  // namespace pmend::client
