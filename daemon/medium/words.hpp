// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <string_view>
#include <vector>

// The small language of the control files: lines of words.
namespace pmend::medium {

// The words between blanks, tabs and newlines.
std::vector<std::string_view> split_words(std::string_view text);

// The lines of one write; the last newline may be missing. Empty lines are lines too, so that they can be refused.
std::vector<std::string_view> split_lines(std::string_view text);

// Two decimal numbers in sectors as bytes of a disk. Errors: kInvalid for anything else, for no sectors and for
// sectors past the end of the disk.
Result<ByteRange> parse_sectors(std::string_view first, std::string_view count, std::uint64_t disk_bytes);

}  // namespace pmend::medium
