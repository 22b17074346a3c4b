// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/layer.hpp"

#include <algorithm>
#include <tuple>

namespace pmend::block {
namespace {

Result<std::vector<SameBytes>> too_many() {
  return fail(Errc::kIncomplete, "more than " + std::to_string(kMostPieces) + " pieces of a stripe: ask for less");
}

// Bytes of one column, its last chunk counted in full.
std::uint64_t column_bytes(const Segment& segment) {
  const std::uint64_t row = segment.chunk * segment.columns.size();
  const std::uint64_t rows = segment.upper_range.length / row + (segment.upper_range.length % row != 0 ? 1 : 0);
  return rows * segment.chunk;
}

// False once there are too many.
bool add_upper(const Segment& segment, std::size_t number, const ByteRange& lower_range, std::vector<SameBytes>& same) {
  const Segment::Column& column = segment.columns[number];
  const auto inside = intersect(lower_range, {column.offset, column_bytes(segment)});
  if (!inside) {
    return true;
  }
  std::uint64_t at = inside->offset - column.offset;
  const std::uint64_t end = inside->end() - column.offset;
  while (at < end && same.size() < kMostPieces) {
    const std::uint64_t chunk_number = at / segment.chunk * segment.columns.size() + number;
    const std::uint64_t upper = chunk_number * segment.chunk + at % segment.chunk;
    const std::uint64_t in_chunk = std::min(segment.chunk - at % segment.chunk, end - at);
    if (upper < segment.upper_range.length) {
      const std::uint64_t length = std::min(in_chunk, segment.upper_range.length - upper);
      same.push_back({{column.offset + at, length}, {segment.upper_range.offset + upper, length}, column.device});
    }
    at += in_chunk;
  }
  return at >= end;
}

bool add_lower(const Segment& segment, const ByteRange& upper_range, std::vector<SameBytes>& same) {
  const auto inside = intersect(upper_range, segment.upper_range);
  if (!inside) {
    return true;
  }
  std::uint64_t at = inside->offset - segment.upper_range.offset;
  const std::uint64_t end = inside->end() - segment.upper_range.offset;
  while (at < end && same.size() < kMostPieces) {
    const std::uint64_t chunk_number = at / segment.chunk;
    const Segment::Column& column = segment.columns[chunk_number % segment.columns.size()];
    const std::uint64_t length = std::min(segment.chunk - at % segment.chunk, end - at);
    const std::uint64_t below = chunk_number / segment.columns.size() * segment.chunk + at % segment.chunk;
    same.push_back({{column.offset + below, length}, {segment.upper_range.offset + at, length}, column.device});
    at += length;
  }
  return at >= end;
}

}  // namespace

Segment in_a_row(const ByteRange& upper_range, dev_t device, std::uint64_t offset) {
  return {upper_range, upper_range.length, {{device, offset}}};
}

Result<std::vector<SameBytes>> to_upper(const Layer& layer, dev_t lower_device, const ByteRange& lower_range) {
  std::vector<SameBytes> same;
  for (const Segment& segment : layer.segments) {
    for (std::size_t i = 0; i < segment.columns.size(); ++i) {
      if (segment.columns[i].device == lower_device && !add_upper(segment, i, lower_range, same)) {
        return too_many();
      }
    }
  }
  std::ranges::sort(same);
  return same;
}

Result<std::vector<SameBytes>> to_lower(const Layer& layer, const ByteRange& upper_range) {
  std::vector<SameBytes> same;
  for (const Segment& segment : layer.segments) {
    if (!add_lower(segment, upper_range, same)) {
      return too_many();
    }
  }
  std::ranges::sort(
      same, {}, [](const SameBytes& one) { return std::tuple(one.upper_range, one.lower_device, one.lower_range); });
  return same;
}

}  // namespace pmend::block
