// SPDX-License-Identifier: Apache-2.0
#include "medium/words.hpp"

#include "pmend/base/text.hpp"

#include <string>

namespace pmend::medium {

std::vector<std::string_view> split_words(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n";
  std::vector<std::string_view> words;
  std::size_t begin = text.find_first_not_of(kBlanks);
  while (begin != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(kBlanks, end);
  }
  return words;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  std::vector<std::string_view> lines;
  while (true) {
    const std::size_t newline = text.find('\n');
    lines.push_back(text.substr(0, newline));
    if (newline == std::string_view::npos) {
      return lines;
    }
    text.remove_prefix(newline + 1);
  }
}

Result<ByteRange> parse_sectors(std::string_view first, std::string_view count, std::uint64_t disk_bytes) {
  const auto first_sector = parse_u64(first);
  if (!first_sector) {
    return tl::make_unexpected(first_sector.error());
  }
  const auto sector_count = parse_u64(count);
  if (!sector_count) {
    return tl::make_unexpected(sector_count.error());
  }
  auto bytes = to_bytes(SectorRange{*first_sector, *sector_count});
  if (!bytes) {
    return bytes;
  }
  if (bytes->empty() || bytes->end() > disk_bytes) {
    return fail(Errc::kInvalid, "sectors " + std::string(first) + " " + std::string(count) + " are not on the disk");
  }
  return bytes;
}

}  // namespace pmend::medium
