// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/base/error.hpp"
#include "pmend/engine/flight_recorder.hpp"

#include <string>

namespace pmend::daemon {

// Writes what the engine last heard and said to a file of its own in `directory`, which only its owner may read: it
// holds file names. Returns its path. Errors: the errno.
Result<std::string> dump_flight(const engine::FlightRecorder& flight, const std::string& directory, WallTime now);

}  // namespace pmend::daemon
