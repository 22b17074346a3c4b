// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/base/range.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

// Where the bytes of a device lie on the devices that it is built upon, and the other way. Arithmetic only.
namespace pmend::block {

// A run of a device's bytes that goes round some columns in equal chunks, as dm-stripe and raid0 have it. With one
// column it lies in a row. All numbers are bytes.
struct Segment {
  struct Column {
    dev_t device = 0;
    std::uint64_t offset = 0;  // of the first chunk

    friend bool operator==(const Column&, const Column&) = default;
  };

  ByteRange upper_range;    // of the device that is built
  std::uint64_t chunk = 0;  // with one column: at least the whole length
  std::vector<Column> columns;

  friend bool operator==(const Segment&, const Segment&) = default;
};

// A part of the device whose place below is not followed.
struct Unfollowed {
  ByteRange upper_range;
  std::string why;  // for people: "dm-crypt", "md raid5"

  friend bool operator==(const Unfollowed&, const Unfollowed&) = default;
};

// One device upon others. Mirrors are segments of the same upper range.
struct Layer {
  std::vector<Segment> segments;
  std::vector<Unfollowed> unfollowed;

  friend bool operator==(const Layer&, const Layer&) = default;
};

// The segment that most layers are made of.
Segment in_a_row(const ByteRange& upper_range, dev_t device, std::uint64_t offset);

// Bytes of one device that are those of another, as many.
struct SameBytes {
  ByteRange lower_range;
  ByteRange upper_range;
  dev_t lower_device = 0;

  friend auto operator<=>(const SameBytes&, const SameBytes&) = default;
};

// In more pieces than this nobody wants an answer.
inline constexpr std::size_t kMostPieces = 1U << 18U;

// What of the lower device's range is part of the layer, in order of the lower place, once for each place above.
// Errors: kIncomplete for more than kMostPieces.
Result<std::vector<SameBytes>> to_upper(const Layer& layer, dev_t lower_device, const ByteRange& lower_range);

// Where a range of the layer lies below, in order of the upper place, once for each mirror.
// Errors: kIncomplete for more than kMostPieces.
Result<std::vector<SameBytes>> to_lower(const Layer& layer, const ByteRange& upper_range);

}  // namespace pmend::block
