// SPDX-License-Identifier: Apache-2.0
// The input of pmendctl locate --stdin: badblocks(8), ddrescue map files, the kernel's log, or anything.
#include "ctl/line_reader.hpp"
#include "ctl/place_line.hpp"
#include "fuzz/must_hold.hpp"

#include <sstream>
#include <string>

namespace {

using namespace pmend;

// The first byte of the input says what the command line said.
ctl::LineDefaults defaults_of(std::uint8_t choice) {
  return {.device = (choice & 1U) != 0 ? "/dev/sda" : "", .block_size = (choice & 2U) != 0 ? 4096U : 0U};
}

void check(const ctl::DeviceRange& where, const ctl::LineDefaults& defaults) {
  fuzz::must_hold(!where.device.empty() && !where.range.empty(), "a place has a device and a length");
  fuzz::must_hold(make_byte_range(where.range.offset, where.range.length).has_value(), "a range is one");
  const bool plain = where.device.starts_with('/') && where.device.find_first_of(" \t\r") == std::string::npos;
  if (plain) {
    const auto again = ctl::parse_place_line(
        where.device + " " + std::to_string(where.range.offset) + " " + std::to_string(where.range.length), defaults);
    fuzz::must_hold(again && *again && (*again)->device == where.device && (*again)->range == where.range,
                    "a place that is printed is read as the same place");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const auto defaults = defaults_of(data[0]);
  std::istringstream in(std::string(data + 1, data + size));
  ctl::LineReader lines(in);
  while (const auto line = lines.next()) {
    fuzz::must_hold(line->text.size() <= ctl::LineReader::kLongest, "no line is longer than it may be");
    const auto place = ctl::parse_place_line(line->text, defaults);
    if (place && *place) {
      check(**place, defaults);
    } else if (!place) {
      fuzz::must_hold(!place.error().empty(), "an error says what it is");
    }
  }
  return 0;
}
