// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/dm_layer.hpp"

#include "pmend/base/text.hpp"
#include "pmend/block/device.hpp"

#include <optional>
#include <sstream>

namespace pmend::block {
namespace {

std::vector<std::string> words_in(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) {
    words.push_back(word);
  }
  return words;
}

// A number of sectors in bytes.
std::optional<std::uint64_t> bytes_of(const std::string& sectors) {
  const auto number = parse_u64(sectors);
  const auto bytes = number ? to_bytes({0, *number}) : tl::make_unexpected(number.error());
  return bytes ? std::optional(bytes->length) : std::nullopt;
}

// "254:3 2048"; nothing if the column would reach past the largest offset.
std::optional<Segment::Column> column_of(const std::string& device, const std::string& offset, std::uint64_t bytes) {
  const auto number = parse_device_number(device);
  const auto start = bytes_of(offset);
  if (!number || !start || !make_byte_range(*start, bytes)) {
    return std::nullopt;
  }
  return Segment::Column{*number, *start};
}

std::optional<Segment> linear(const kernel::DmTarget& target, const std::vector<std::string>& words) {
  const auto column = words.size() == 2 ? column_of(words[0], words[1], target.range.length) : std::nullopt;
  return column ? std::optional(in_a_row(target.range, column->device, column->offset)) : std::nullopt;
}

// "STRIPES CHUNK DEVICE OFFSET DEVICE OFFSET …". The kernel takes only tables whose length is a multiple of both.
std::optional<Segment> striped(const kernel::DmTarget& target, const std::vector<std::string>& words) {
  const auto stripes = words.empty() ? fail(Errc::kInvalid, "") : parse_u64(words[0]);
  const auto chunk = words.size() < 2 ? std::nullopt : bytes_of(words[1]);
  if (!stripes || !chunk || *chunk == 0 || *stripes == 0 || words.size() < 4 || *stripes != (words.size() - 2) / 2 ||
      words.size() % 2 != 0 || target.range.length % *stripes != 0 || (target.range.length / *stripes) % *chunk != 0) {
    return std::nullopt;
  }
  Segment segment{target.range, *chunk, {}};
  for (std::size_t i = 2; i < words.size(); i += 2) {
    const auto column = column_of(words[i], words[i + 1], target.range.length / *stripes);
    if (!column) {
      return std::nullopt;
    }
    segment.columns.push_back(*column);
  }
  return segment;
}

}  // namespace

Layer layer_of_dm(const std::vector<kernel::DmTarget>& table) {
  Layer layer;
  for (const kernel::DmTarget& target : table) {
    if (target.range.empty()) {
      continue;
    }
    const auto words = words_in(target.parameters);
    const auto segment = target.type == "linear"    ? linear(target, words)
                         : target.type == "striped" ? striped(target, words)
                                                    : std::nullopt;
    if (segment) {
      layer.segments.push_back(*segment);
    } else {
      layer.unfollowed.push_back({target.range, "dm-" + escape_bytes(target.type)});
    }
  }
  return layer;
}

}  // namespace pmend::block
