// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/base/unique_fd.hpp"
#include "worker/options.hpp"

// Getting a guard for a freeze (pmend/repair/guard.hpp): a process in another control group than the worker, so that
// nothing that ends the worker's group ends it too.
namespace pmend::worker {

// Connects to the guards' socket where there is one (--guard), else starts one in a group of its own. Errors: the
// errno; kRefused where the group of the worker cannot be left.
Result<UniqueFd> connect_guard(const Options& options);

}  // namespace pmend::worker
