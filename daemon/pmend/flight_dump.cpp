// SPDX-License-Identifier: Apache-2.0
#include "pmend/flight_dump.hpp"

#include "pmend/base/unique_fd.hpp"

#include <utility>

namespace pmend::daemon {

Result<std::string> dump_flight(const engine::FlightRecorder& flight, const std::string& directory, WallTime now) {
  std::string path = directory + "/flight-" + to_rfc3339(now) + ".jsonl";
  const Status written = replace_file(path, flight.dump());
  if (!written) {
    return tl::make_unexpected(written.error());
  }
  return path;
}

}  // namespace pmend::daemon
