// SPDX-License-Identifier: Apache-2.0
#include "ctl/options.hpp"
#include "ctl/run.hpp"

#include <unistd.h>

#include <iostream>

int main(int argc, char** argv) {
  return pmend::cli::run("pmendctl", [&] {
    const auto options = pmend::ctl::parse_options(pmend::cli::arguments(argc, argv));
    if (!options) {
      return pmend::cli::finish(options.error());
    }
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    const bool interactive = terminal && ::isatty(STDIN_FILENO) == 1;
    const int status = pmend::ctl::run(*options, {std::cin, std::cout, std::cerr, interactive, terminal});
    // A full disk or a closed pipe leaves nobody to tell, except by the status.
    return std::cout.flush() ? status : pmend::cli::kExitInternal;
  });
}
