// SPDX-License-Identifier: Apache-2.0
#include "medium/options.hpp"

#include "pmend/base/text.hpp"

#include <CLI/CLI.hpp>

namespace pmend::medium {

tl::expected<Options, int> parse_options(int argc, const char* const* argv) {
  Options options;
  CLI::App app("Serves a disk image with bad sectors through FUSE. See pmend-medium(8).", "pmend-medium");
  app.set_version_flag("--version", "pmend-medium " PMEND_VERSION);
  auto* image = app.add_option("--image", options.image, "backing file, made sparse if missing")->type_name("FILE");
  auto* mount = app.add_option("--mount", options.mount, "existing directory to mount on")->type_name("DIR");
  // As text: CLI11 2.1 takes -1 for 2^64-1 and cuts what is larger.
  app.add_option_function<std::string>(
         "--size", [&](const std::string& text) { options.bytes = parse_u64(text).value_or(0); },
         "size of the image in bytes, rounded up to 512")
      ->type_name("BYTES")
      ->check([](const std::string& text) { return parse_u64(text) ? "" : parse_u64(text).error().message(); });
  app.add_option("--state", options.state, "directory for list, modes and trace (FILE.state)")->type_name("DIR");
  app.add_option("--ready-fd", options.ready_fd, "gets one byte once mounted")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--background", options.background, "return once mounted");
  app.add_flag("--own-namespace", options.own_namespace, "enter a mount namespace of its own once mounted");
  auto* print = app.add_option("--print-trace", options.print_trace, "print a trace file and exit")->type_name("FILE");
  print->excludes(image)->excludes(mount);
  try {
    app.parse(argc, argv);
    if (options.print_trace.empty() && (options.image.empty() || options.mount.empty())) {
      throw CLI::RequiredError("--image and --mount, or --print-trace,");
    }
  } catch (const CLI::ParseError& error) {
    // Help and version come this way too, with status 0.
    return tl::make_unexpected(app.exit(error) == 0 ? 0 : kExitUsage);
  }
  return options;
}

}  // namespace pmend::medium
