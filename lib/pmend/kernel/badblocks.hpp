// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// The text of /sys/block/DEV/badblocks and /sys/bus/nd/devices/regionN/badblocks: lines "FIRST COUNT\n" in 512-byte
// sectors, relative to the data start of the block device or to the region start (Linux block/badblocks.c).
namespace pmend::kernel {

// badblocks_show() prints into one page; sysfs passes on at most this many bytes of it.
inline constexpr std::size_t kBadblocksTextLimit = 4095;
// A longer answer than this may have been cut (two 20-digit numbers do not fit behind it).
inline constexpr std::size_t kBadblocksSuspectLength = 4090;
// One entry of the kernel's table holds at most this many sectors (BB_MAX_LEN).
inline constexpr std::uint64_t kBadblocksEntryLimit = 512;

struct BadblocksList {
  std::vector<SectorRange> entries;  // in the order of the text, never empty ranges
  // False if the text may have been cut: the kernel truncates in mid-line, and a cut "10420" of "1042048 1" would
  // name the wrong sector. The last line is then dropped. Absence of a sector from such a list means nothing.
  bool complete = true;
};

// An empty list is "" or "\n". A tail without a newline makes the list incomplete, whatever its length.
// Errors: kInvalid with the line number for anything else, kInvalid for ranges past byte 2^63.
Result<BadblocksList> parse_badblocks(std::string_view text);

// What the kernel prints for these entries: each split into runs of at most 512 sectors, a lone newline if there are
// none, cut at `limit` bytes in mid-line as sysfs does.
std::string format_badblocks(const std::vector<SectorRange>& entries, std::size_t limit = kBadblocksTextLimit);

}  // namespace pmend::kernel
