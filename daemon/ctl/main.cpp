// SPDX-License-Identifier: Apache-2.0
#include "ctl/options.hpp"

int main(int argc, char** argv) {
  return pmend::cli::run("pmendctl", [&] {
    const auto options = pmend::ctl::parse_options(pmend::cli::arguments(argc, argv));
    if (!options) {
      return pmend::cli::finish(options.error());
    }
    return pmend::cli::finish(
        pmend::cli::unavailable("pmendctl", "cannot reach pmend: this build cannot speak D-Bus yet"));
  });
}
