// SPDX-License-Identifier: Apache-2.0
#include "worker/scrub_walk.hpp"

#include <algorithm>
#include <string>

namespace pmend::worker {
namespace {

class Walk {
 public:
  Walk(std::uint64_t block_bytes, const ScrubSteps& steps) : block_bytes_(block_bytes), steps_(steps) {}

  // Reads `piece`, and where that fails its parts; `finds` gets what they are.
  Status look_at(const ByteRange& piece, PieceFinds& finds) {
    const auto read = steps_.read(piece);
    if (!read) {
      return tl::make_unexpected(read.error());
    }
    if (*read == PieceRead::kGood) {
      unanswered_in_a_row_ = 0;
      finds.good.insert(piece);
      return {};
    }
    if (piece.length <= block_bytes_) {
      return take_block(piece, *read, finds);
    }
    return look_at_parts(piece, finds);
  }

 private:
  Status look_at_parts(const ByteRange& piece, PieceFinds& finds) {
    const std::uint64_t small = std::max(kScrubSmallPieceBytes, block_bytes_);
    const std::uint64_t part = piece.length > small ? small : block_bytes_;
    for (std::uint64_t at = piece.offset; at < piece.end(); at += part) {
      if (auto looked = look_at({at, std::min(part, piece.end() - at)}, finds); !looked) {
        return looked;
      }
    }
    return {};
  }

  Status take_block(const ByteRange& block, PieceRead read, PieceFinds& finds) {
    if (read == PieceRead::kUnreadable) {
      unanswered_in_a_row_ = 0;
      finds.unreadable.insert(block);
      return {};
    }
    finds.unanswered.insert(block);
    if (++unanswered_in_a_row_ >= kMostUnanswered) {
      return fail(Errc::kTimedOut, "the device answers no more at " + std::to_string(block.offset));
    }
    return {};
  }

  std::uint64_t block_bytes_;
  const ScrubSteps& steps_;
  int unanswered_in_a_row_ = 0;
};

}  // namespace

Result<std::uint64_t> walk_device(std::uint64_t device_bytes, std::uint64_t block_bytes, const ScrubSteps& steps) {
  const std::uint64_t end = device_bytes - device_bytes % block_bytes;
  Walk walk(block_bytes, steps);
  for (std::uint64_t at = 0; at < end;) {
    const ByteRange piece{at, std::min(std::max(kScrubPieceBytes, block_bytes), end - at)};
    PieceFinds finds;
    const auto looked = walk.look_at(piece, finds);
    const auto go_on = steps.after_piece(piece, finds);  // what was found before an error counts too
    if (!looked || !go_on) {
      return tl::make_unexpected(looked ? go_on.error() : looked.error());
    }
    at = piece.end();
    if (!*go_on) {
      return at;
    }
  }
  return end;
}

}  // namespace pmend::worker
