// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "medium/options.hpp"
#include "pmend/base/error.hpp"
#include "pmend/base/log.hpp"

#include <string>

namespace pmend::medium {

// Serves the medium until a signal or an unmount. With Options::background this returns in a child process only; the
// calling one exits with 0 once the medium is mounted.
Status serve_medium(const Options& options, log::Sink& sink);

// Prints the records of a trace file to stdout, one per line.
Status print_trace(const std::string& path);

}  // namespace pmend::medium
