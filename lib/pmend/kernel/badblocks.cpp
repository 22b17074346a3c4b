// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/badblocks.hpp"

#include "pmend/base/text.hpp"

#include <algorithm>

namespace pmend::kernel {
namespace {

Result<SectorRange> parse_line(std::string_view line) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos) {
    return fail(Errc::kInvalid, "expected 'FIRST COUNT', got '" + escape_bytes(line.substr(0, 64)) + "'");
  }
  const auto first = parse_u64(line.substr(0, blank));
  if (!first) {
    return tl::make_unexpected(first.error());
  }
  const auto count = parse_u64(line.substr(blank + 1));
  if (!count) {
    return tl::make_unexpected(count.error());
  }
  const SectorRange range{*first, *count};
  if (const auto bytes = to_bytes(range); !bytes) {
    return tl::make_unexpected(bytes.error());
  }
  if (range.count == 0) {
    return fail(Errc::kInvalid, "an entry of 0 sectors");
  }
  return range;
}

}  // namespace

Result<BadblocksList> parse_badblocks(std::string_view text) {
  BadblocksList list;
  list.complete = text.size() < kBadblocksSuspectLength;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t newline = text.find('\n');
    if (newline == std::string_view::npos) {
      list.complete = false;
      break;
    }
    const std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline + 1);
    if (line.empty() && number == 1 && text.empty()) {
      break;
    }
    const auto range = parse_line(line);
    if (!range) {
      return wrap(range.error(), "line " + std::to_string(number));
    }
    list.entries.push_back(*range);
  }
  return list;
}

std::string format_badblocks(const std::vector<SectorRange>& entries, std::size_t limit) {
  std::string text;
  for (const SectorRange& entry : entries) {
    for (std::uint64_t done = 0; done < entry.count; done += kBadblocksEntryLimit) {
      const std::uint64_t count = std::min(kBadblocksEntryLimit, entry.count - done);
      text += std::to_string(entry.first + done) + " " + std::to_string(count) + "\n";
    }
  }
  if (text.empty()) {
    text = "\n";
  }
  text.resize(std::min(text.size(), limit));
  return text;
}

}  // namespace pmend::kernel
