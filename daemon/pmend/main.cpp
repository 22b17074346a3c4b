// SPDX-License-Identifier: Apache-2.0
#include "pmend/app.hpp"
#include "pmend/options.hpp"
#include "pmend/startup.hpp"

int main(int argc, char** argv) {
  return pmend::cli::run("pmend", [&] {
    const auto options = pmend::daemon::parse_options(pmend::cli::arguments(argc, argv));
    if (!options) {
      return pmend::cli::finish(options.error());
    }
    if (options->check_config) {
      return pmend::cli::finish(pmend::daemon::check_configuration(*options));
    }
    const auto app = pmend::daemon::App::make(*options);
    return app ? (*app)->run() : pmend::cli::finish(app.error());
  });
}
