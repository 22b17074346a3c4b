// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ctl/options.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pmend::ctl {

// What lines that say only a number need besides.
struct LineDefaults {
  std::string device;            // empty: not known
  std::uint64_t block_size = 0;  // bytes, of the block numbers of badblocks(8); 0: not known
};

// The place that a line names, nothing where it names none and needs not to (comments, headings, good areas, other
// lines of a log), or why it cannot be used. What a line is, is seen from itself:
//
//   /dev/sda 1048576 512                              device, offset and length in bytes
//   1048576 8                                         the kernel's lists of bad sectors: sector, count (of 512 bytes)
//   131072                                            badblocks(8): number of a block of `block_size` bytes
//   0x00100000  0x00000200  -                         ddrescue map: position, size, status; only bad areas are places
//   I/O error, dev sda, sector 2048 op 0x0:(READ) …   the kernel's log: one sector of 512 bytes
//
// The bytes of the line can be anything. The range ends at the largest file offset at the latest.
using PlaceLine = tl::expected<std::optional<DeviceRange>, std::string>;
PlaceLine parse_place_line(std::string_view line, const LineDefaults& defaults);

}  // namespace pmend::ctl
