// SPDX-License-Identifier: Apache-2.0
#include "worker/options.hpp"

int main(int argc, char** argv) {
  return pmend::cli::run("pmend-worker", [&] {
    const auto options = pmend::worker::parse_options(pmend::cli::arguments(argc, argv));
    if (!options) {
      return pmend::cli::finish(options.error());
    }
    return pmend::cli::finish(
        pmend::cli::unavailable("pmend-worker", "this build has no worker protocol yet: nothing is read or written"));
  });
}
