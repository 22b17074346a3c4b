// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ctl/console.hpp"
#include "ctl/options.hpp"

namespace pmend::ctl {

// Reads the policy as pmend would and prints every problem with its place. Needs no pmend. The paths are either
// directories, of which the last that has a file wins, or files in their order; none means the installed directories.
int check_policy(const Options& options, const Console& console);

}  // namespace pmend::ctl
