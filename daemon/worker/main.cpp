// SPDX-License-Identifier: Apache-2.0
#include "worker/options.hpp"
#include "worker/worker.hpp"

int main(int argc, char** argv) {
  return pmend::cli::run("pmend-worker", [&] {
    const auto options = pmend::worker::parse_options(pmend::cli::arguments(argc, argv));
    if (!options) {
      return pmend::cli::finish(options.error());
    }
    return pmend::worker::run_worker(*options);
  });
}
