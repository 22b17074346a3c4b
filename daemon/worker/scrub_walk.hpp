// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/base/range_set.hpp"

#include <cstdint>
#include <functional>

// How a device is read through for a scrub: in large pieces, and where one fails in smaller ones, down to the logical
// block. No I/O: whoever walks says how a piece is read.
namespace pmend::worker {

enum class PieceRead {
  kGood,        // all of it came
  kUnreadable,  // the medium has lost something of it
  kNoAnswer,    // not in time: says nothing of the bytes
};

// What the blocks of one large piece turned out to be.
struct PieceFinds {
  RangeSet good;
  RangeSet unreadable;
  RangeSet unanswered;
};

struct ScrubSteps {
  // Reads all of a piece at once. An error ends the walk (the device has gone, …).
  std::function<Result<PieceRead>(const ByteRange& piece)> read;
  // Called after each large piece, also the one in which an error came. False ends the walk: it was cancelled.
  std::function<Result<bool>(const ByteRange& piece, const PieceFinds& finds)> after_piece;
};

inline constexpr std::uint64_t kScrubPieceBytes = 4U << 20U;
inline constexpr std::uint64_t kScrubSmallPieceBytes = 64U << 10U;
// After so many blocks in a row without answer nothing more is expected of the device.
inline constexpr int kMostUnanswered = 4;

// Walks over the first `device_bytes` bytes; the device's last, incomplete block is left out. Returns where it ended.
// Errors: those of the steps; kTimedOut when the device answers no more.
Result<std::uint64_t> walk_device(std::uint64_t device_bytes, std::uint64_t block_bytes, const ScrubSteps& steps);

}  // namespace pmend::worker
