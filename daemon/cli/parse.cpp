// SPDX-License-Identifier: Apache-2.0
#include "cli/parse.hpp"

#include "cli/exit_code.hpp"
#include "cli/version.hpp"
#include "pmend/base/text.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <utility>

namespace pmend::cli {
namespace {

// A line that starts with the program's name, without control characters: arguments come from anywhere.
std::string line(std::string_view program, std::string_view text) {
  return std::string(program) + ": " + escape_bytes(text) + "\n";
}

// Prints the words that follow a verb as they are named: CLI11 would add "(1x)" where it may be one to three words.
class Formatter final : public CLI::Formatter {
 public:
  std::string make_option_usage(const CLI::Option* option) const override {
    const bool many = option->get_expected_max() >= CLI::detail::expected_max_vector_size;
    const std::string name = make_option_name(option, true) + (many ? "..." : "");
    return option->get_required() ? name : "[" + name + "]";
  }
};

}  // namespace

std::vector<std::string> arguments(int argc, const char* const* argv) {
  if (argc < 1) {
    return {};
  }
  return {argv + 1, argv + argc};
}

void prepare(CLI::App& app, std::string_view program) {
  app.name(std::string(program));
  app.set_version_flag("--version", std::string(program) + " " + std::string(version()), "Print the version and exit");
  app.formatter(std::make_shared<Formatter>());
  app.fallthrough();
}

Parsed<void> parse(CLI::App& app, std::vector<std::string> args) {
  const std::string program = app.get_name();
  try {
    std::reverse(args.begin(), args.end());  // the order that CLI11 takes a vector in
    app.parse(std::move(args));
  } catch (const CLI::CallForVersion& version) {
    return tl::make_unexpected(Exit{.status = kExitDone, .out = std::string(version.what()) + "\n", .err = {}});
  } catch (const CLI::Success&) {  // help in one of its forms
    return tl::make_unexpected(Exit{.status = kExitDone, .out = app.help(), .err = {}});
  } catch (const CLI::Error& error) {
    return usage_error(program, error.what());
  }
  return {};
}

tl::unexpected<Exit> usage_error(std::string_view program, std::string_view problem) {
  const std::string hint = " (see " + std::string(program) + " --help)";
  return tl::make_unexpected(Exit{.status = kExitUsage, .out = {}, .err = line(program, std::string(problem) + hint)});
}

Exit unavailable(std::string_view program, std::string_view reason) {
  return {.status = kExitUnavailable, .out = {}, .err = line(program, reason)};
}

int finish(const Exit& exit) {
  // A standard stream that is closed or full leaves nobody to tell, except by the status.
  const bool printed = std::fputs(exit.out.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  std::fputs(exit.err.c_str(), stderr);
  return printed ? exit.status : kExitInternal;
}

int run(std::string_view program, const std::function<int()>& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    return finish(
        {.status = kExitInternal, .out = {}, .err = line(program, "internal error: " + std::string(error.what()))});
  }
}

}  // namespace pmend::cli
