// SPDX-License-Identifier: Apache-2.0
#include "medium/list_edit.hpp"

#include "medium/words.hpp"
#include "pmend/base/text.hpp"

#include <functional>
#include <string>

namespace pmend::medium {
namespace {

using Words = std::vector<std::string_view>;

Result<ListEdit> parse_badblocks_line(const Words& words, std::uint64_t disk_bytes) {
  if (words.size() != 2) {
    return fail(Errc::kInvalid, "expected '[-]FIRST COUNT'");
  }
  const bool remove = words[0].starts_with('-');
  const auto range = parse_sectors(words[0].substr(remove ? 1 : 0), words[1], disk_bytes);
  if (!range) {
    return tl::make_unexpected(range.error());
  }
  return ListEdit{remove ? ListEdit::Kind::kRemove : ListEdit::Kind::kPoison, *range};
}

Result<ListEdit> parse_phantom_line(const Words& words, std::uint64_t disk_bytes) {
  if (words.size() != 3 || words[0] != "phantom") {
    return fail(Errc::kInvalid, "expected 'phantom FIRST COUNT'");
  }
  const auto range = parse_sectors(words[1], words[2], disk_bytes);
  if (!range) {
    return tl::make_unexpected(range.error());
  }
  return ListEdit{ListEdit::Kind::kPhantom, *range};
}

Result<std::vector<ListEdit>> parse_lines(std::string_view text,
                                          const std::function<Result<ListEdit>(const Words&)>& parse_line) {
  std::vector<ListEdit> edits;
  for (const std::string_view line : split_lines(text)) {
    const auto edit = parse_line(split_words(line));
    if (!edit) {
      return wrap(edit.error(), "line '" + escape_bytes(line.substr(0, 64)) + "'");
    }
    edits.push_back(*edit);
  }
  return edits;
}

}  // namespace

Result<std::vector<ListEdit>> parse_badblocks_edits(std::string_view text, std::uint64_t disk_bytes) {
  return parse_lines(text, [&](const Words& words) { return parse_badblocks_line(words, disk_bytes); });
}

Result<std::vector<ListEdit>> parse_phantom_edits(std::string_view text, std::uint64_t disk_bytes) {
  return parse_lines(text, [&](const Words& words) { return parse_phantom_line(words, disk_bytes); });
}

}  // namespace pmend::medium
