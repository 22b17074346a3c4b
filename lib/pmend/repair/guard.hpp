// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"

#include <string>

// The guard of one freeze: a process that a repairing worker talks to and that is in no danger the worker is in. It
// freezes, has the device written by a child that holds nothing but the device, and thaws: when it is told to, when the
// worker is gone, or when the time is up, whichever comes first; but never while a write of that child may still land.
namespace pmend::repair {

// Serves one freeze over the socket (guard_link.hpp) and returns the exit status of the process. Takes the signals that
// people stop programs with for nothing. Markers lie in `runtime_directory` (freeze_marker.hpp).
int run_guard(UniqueFd socket, const std::string& runtime_directory);

}  // namespace pmend::repair
