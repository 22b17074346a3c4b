// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <optional>
#include <string>

namespace pmend::ctl {

struct InputLine {
  std::uint64_t number = 0;  // the first one is 1
  std::string text;          // any bytes, without the newline
  bool too_long = false;     // the text is only its beginning
};

// Lines of any input, in memory that does not depend on it.
class LineReader {
 public:
  static constexpr std::size_t kLongest = 8192;  // bytes; holds the longest path

  explicit LineReader(std::istream& in) : in_(in) {}

  // Nothing at the end of the input; what follows the last newline is a line unless it is empty.
  std::optional<InputLine> next();

 private:
  std::istream& in_;
  std::uint64_t number_ = 0;
};

}  // namespace pmend::ctl
