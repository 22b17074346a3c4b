// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ctl/console.hpp"
#include "ctl/options.hpp"

namespace pmend::ctl {

// Does what the command line asks for and returns the exit status.
int run(const Options& options, const Console& console);

}  // namespace pmend::ctl
