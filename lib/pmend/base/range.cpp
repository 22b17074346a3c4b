// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/range.hpp"

#include <algorithm>
#include <limits>

namespace pmend {
namespace {

constexpr auto kLargestOffset = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

}  // namespace

Result<ByteRange> make_byte_range(std::uint64_t offset, std::uint64_t length) {
  if (offset > kLargestOffset || length > kLargestOffset - offset) {
    return fail(Errc::kInvalid, "range " + std::to_string(offset) + "+" + std::to_string(length) + " passes 2^63");
  }
  return ByteRange{offset, length};
}

Result<ByteRange> to_bytes(const SectorRange& sectors) {
  constexpr std::uint64_t kLargestSector = kLargestOffset / kSectorBytes;
  if (sectors.first > kLargestSector || sectors.count > kLargestSector - sectors.first) {
    return fail(Errc::kInvalid,
                "sectors " + std::to_string(sectors.first) + "+" + std::to_string(sectors.count) + " pass byte 2^63");
  }
  return ByteRange{sectors.first * kSectorBytes, sectors.count * kSectorBytes};
}

SectorRange touched_sectors(const ByteRange& bytes) {
  const ByteRange whole = round_out(bytes, kSectorBytes);
  return {whole.offset / kSectorBytes, whole.length / kSectorBytes};
}

ByteRange round_out(const ByteRange& bytes, std::uint64_t unit) {
  const std::uint64_t begin = bytes.offset & ~(unit - 1);
  const std::uint64_t end = bytes.empty() ? begin : (bytes.end() + unit - 1) & ~(unit - 1);
  return {begin, end - begin};
}

ByteRange round_in(const ByteRange& bytes, std::uint64_t unit) {
  const std::uint64_t begin = (bytes.offset + unit - 1) & ~(unit - 1);
  const std::uint64_t end = bytes.end() & ~(unit - 1);
  return end > begin ? ByteRange{begin, end - begin} : ByteRange{begin, 0};
}

std::optional<ByteRange> intersect(const ByteRange& a, const ByteRange& b) {
  const std::uint64_t begin = std::max(a.offset, b.offset);
  const std::uint64_t end = std::min(a.end(), b.end());
  if (begin >= end) {
    return std::nullopt;
  }
  return ByteRange{begin, end - begin};
}

std::string to_string(const ByteRange& range) {
  return std::to_string(range.offset) + "+" + std::to_string(range.length);
}

}  // namespace pmend
