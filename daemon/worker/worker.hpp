// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "worker/options.hpp"

namespace pmend::worker {

// Runs the role that the options name, to its end. Returns the exit status.
int run_worker(const Options& options);

}  // namespace pmend::worker
