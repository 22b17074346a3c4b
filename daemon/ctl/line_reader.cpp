// SPDX-License-Identifier: Apache-2.0
#include "ctl/line_reader.hpp"

#include <streambuf>

namespace pmend::ctl {

std::optional<InputLine> LineReader::next() {
  using Traits = std::istream::traits_type;
  InputLine line;
  bool any = false;
  for (auto c = in_.rdbuf()->sbumpc(); c != Traits::eof(); c = in_.rdbuf()->sbumpc()) {
    any = true;
    if (c == '\n') {
      break;
    }
    if (line.text.size() == kLongest) {
      line.too_long = true;
    } else {
      line.text += Traits::to_char_type(c);
    }
  }
  if (!any) {
    return std::nullopt;
  }
  line.number = ++number_;
  return line;
}

}  // namespace pmend::ctl
