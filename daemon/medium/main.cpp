// SPDX-License-Identifier: Apache-2.0
#include "medium/options.hpp"
#include "medium/program.hpp"
#include "pmend/base/log.hpp"

#include <exception>
#include <string>

int main(int argc, char** argv) {
  using namespace pmend;
  const auto options = medium::parse_options(argc, argv);
  if (!options) {
    return options.error();
  }
  log::StderrSink sink(true);
  try {
    const Status status =
        options->print_trace.empty() ? medium::serve_medium(*options, sink) : medium::print_trace(options->print_trace);
    if (status) {
      return 0;
    }
    sink.write(log::make_record(log::Level::kError, "pmend-medium: " + status.error().message()));
  } catch (const std::exception& error) {
    sink.write(log::make_record(log::Level::kCritical, std::string("pmend-medium: ") + error.what()));
  }
  return medium::kExitFailure;
}
