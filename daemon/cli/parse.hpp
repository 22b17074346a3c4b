// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tl/expected.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

// What every program of pmend does alike with its command line. CLI11 reports by exceptions; none leaves this folder's
// functions. Options are parsed into plain structs by each program's options.cpp, which a test can call.
namespace pmend::cli {

// The end of a program before it did anything: what to print, and the status.
struct Exit {
  int status = 0;
  std::string out;  // for stdout, whole lines
  std::string err;  // for stderr, whole lines

  friend bool operator==(const Exit&, const Exit&) = default;
};

// The options, or the end: help or version on stdout with status 0, one line on stderr with status 64.
template <class T>
using Parsed = tl::expected<T, Exit>;

// What stands behind the program's name. Empty also for argc == 0, which execve(2) allows.
std::vector<std::string> arguments(int argc, const char* const* argv);

// A parser called `program` with --help and --version; subcommands made from it take the program's options too.
void prepare(CLI::App& app, std::string_view program);

// Runs the parser over `args`. What it stores into stays undefined where an Exit is returned.
Parsed<void> parse(CLI::App& app, std::vector<std::string> args);

// "PROGRAM: PROBLEM (see PROGRAM --help)", as one printable line whatever bytes the problem quotes.
tl::unexpected<Exit> usage_error(std::string_view program, std::string_view problem);

// The end of a program that lacks what it would need: "PROGRAM: REASON", status 69.
Exit unavailable(std::string_view program, std::string_view reason);

// Prints both texts and returns the status, for `return` in main().
int finish(const Exit& exit);

// Runs the body of main(); an exception that gets here is a broken invariant: one line on stderr, status 70.
int run(std::string_view program, const std::function<int()>& body);

}  // namespace pmend::cli
