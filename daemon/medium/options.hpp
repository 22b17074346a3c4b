// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace pmend::medium {

inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 64;  // EX_USAGE of sysexits.h

struct Options {
  std::string image;
  std::optional<std::uint64_t> bytes;
  std::string mount;
  std::string state;  // "" is IMAGE.state
  std::optional<int> ready_fd;
  bool background = false;
  bool own_namespace = false;
  std::string print_trace;  // if not empty, nothing else counts
};

// The command line, or the exit status of a program that has nothing more to do (help, version, usage error; the text
// for it is printed).
tl::expected<Options, int> parse_options(int argc, const char* const* argv);

}  // namespace pmend::medium
