// SPDX-License-Identifier: Apache-2.0
#include "pmend/options.hpp"

int main(int argc, char** argv) {
  return pmend::cli::run("pmend", [&] {
    const auto options = pmend::daemon::parse_options(pmend::cli::arguments(argc, argv));
    if (!options) {
      return pmend::cli::finish(options.error());
    }
    const char* const missing = options->check_config
                                    ? "--check-config: this build cannot read configuration or policy yet"
                                    : "this build has no engine yet: nothing is watched and nothing is repaired";
    return pmend::cli::finish(pmend::cli::unavailable("pmend", missing));
  });
}
