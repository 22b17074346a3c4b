// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/exit_code.hpp"

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include <iosfwd>
#include <string>

namespace pmend::ctl {

// Where pmendctl reads and writes: data goes to `out`, everything said to people about it to `err`.
struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool interactive = false;  // a person reads `err` and answers on `in`
  bool terminal = false;     // `err` is one
};

// Exit statuses of pmendctl besides those of cli/exit_code.hpp.
inline constexpr int kExitFailed = 1;
inline constexpr int kExitNothingToDo = 2;
inline constexpr int kExitNotFound = 3;
inline constexpr int kExitNotAuthorized = 4;

// Why a verb did not get what it asked for.
struct Problem {
  int status = kExitFailed;
  std::string text;  // for people, one line

  friend bool operator==(const Problem&, const Problem&) = default;
};

template <class T>
using Asked = tl::expected<T, Problem>;

// Says the problem on `err` and returns its status.
int tell(const Console& console, const Problem& problem);

// One line: the object with its "version". Keys are sorted.
void print_json(std::ostream& out, nlohmann::json object);

}  // namespace pmend::ctl
