// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace pmend {

// The unit of the kernel's badblocks lists and of struct bio, whatever the device's logical block size is.
inline constexpr std::uint64_t kSectorBytes = 512;

// [offset, offset + length) in bytes. What it is relative to (device, file, region) belongs in the variable's name.
// A value made by make_byte_range() never wraps: offset + length <= 2^63 - 1, the largest off_t.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  std::uint64_t end() const { return offset + length; }
  bool empty() const { return length == 0; }
  bool contains(std::uint64_t position) const { return position >= offset && position < end(); }
  bool contains(const ByteRange& other) const { return other.offset >= offset && other.end() <= end(); }
  bool overlaps(const ByteRange& other) const { return offset < other.end() && other.offset < end(); }

  friend auto operator<=>(const ByteRange&, const ByteRange&) = default;
};

// [first, first + count) in 512-byte sectors.
struct SectorRange {
  std::uint64_t first = 0;
  std::uint64_t count = 0;

  std::uint64_t end() const { return first + count; }

  friend auto operator<=>(const SectorRange&, const SectorRange&) = default;
};

// Errors: kInvalid if the end lies past the largest off_t.
Result<ByteRange> make_byte_range(std::uint64_t offset, std::uint64_t length);

// Errors: kInvalid if the end in bytes lies past the largest off_t.
Result<ByteRange> to_bytes(const SectorRange& sectors);

// The sectors that `bytes` touches, also partly.
SectorRange touched_sectors(const ByteRange& bytes);

// The smallest range of whole units that covers `bytes`. `unit` is a power of two.
ByteRange round_out(const ByteRange& bytes, std::uint64_t unit);

// The largest range of whole units inside `bytes`, empty where there is none. `unit` is a power of two.
ByteRange round_in(const ByteRange& bytes, std::uint64_t unit);

// The common part, nothing where there is none.
std::optional<ByteRange> intersect(const ByteRange& a, const ByteRange& b);

// "4096+512": offset and length in bytes, as ranges are printed everywhere.
std::string to_string(const ByteRange& range);

}  // namespace pmend
