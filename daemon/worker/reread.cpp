// SPDX-License-Identifier: Apache-2.0
#include "worker/reread.hpp"

#include <algorithm>
#include <vector>

namespace pmend::worker {
namespace {

// So much of a long entry is read by one child.
constexpr std::uint64_t kPieceBytes = 1U << 20U;

// Cut at the end of the device.
std::vector<ByteRange> in_pieces(const RangeSet& blocks, const repair::Place& device) {
  std::vector<ByteRange> pieces;
  for (const ByteRange& range : blocks.common({0, device.device_bytes})) {
    for (std::uint64_t at = range.offset; at < range.end(); at += kPieceBytes) {
      pieces.push_back({at, std::min(kPieceBytes, range.end() - at)});
    }
  }
  return pieces;
}

// Whole pages or blocks, in order, none larger than a piece.
std::vector<ByteRange> pieces_to_read(const RangeSet& listed, const repair::Place& device, const RangeSet& wanted) {
  const std::uint64_t around = std::max(kRereadBytes, device.block_bytes);
  RangeSet blocks;
  for (const ByteRange& range : wanted.ranges()) {
    for (const ByteRange& entry : listed.common(range)) {
      blocks.insert(round_out(entry, around));
    }
  }
  return in_pieces(blocks, device);
}

// Reads one piece after the other; none is begun once the time is up.
ReadFinds read_pieces(const std::vector<ByteRange>& pieces, const repair::Place& device, std::chrono::seconds limit) {
  ReadFinds finds;
  const auto until = std::chrono::steady_clock::now() + limit;
  for (const ByteRange& piece : pieces) {
    if (std::chrono::steady_clock::now() > until) {
      break;
    }
    if (const auto read = repair::read_sectors(device, piece)) {
      finds.add(*read);
    }
  }
  return finds;
}

}  // namespace

void ReadFinds::add(const repair::SectorsRead& read) {
  for (std::size_t i = 0; i < read.readable.size(); ++i) {
    const ByteRange sector{read.device_range.offset + i * kSectorBytes, kSectorBytes};
    (read.readable[i] ? good : bad).insert(sector);
  }
}

Result<repair::BadList> read_again(const SuspectList& list, const repair::Place& device, const RangeSet& wanted,
                                   std::chrono::seconds limit) {
  const auto listed = list.read();
  if (!listed) {
    return tl::make_unexpected(listed.error());
  }
  const ReadFinds finds = read_pieces(pieces_to_read(*listed, device, wanted), device, limit);
  const auto noted = list.note(finds.bad, finds.good);
  if (!noted) {
    return tl::make_unexpected(noted.error());
  }
  return repair::BadList{RangeSet(noted->common({0, device.device_bytes})), true};
}

Status read_and_note(const SuspectList& list, const repair::Place& device, const RangeSet& wanted,
                     std::chrono::seconds limit) {
  RangeSet blocks;
  for (const ByteRange& range : wanted.ranges()) {
    blocks.insert(round_out(range, std::max(kRereadBytes, device.block_bytes)));
  }
  const ReadFinds finds = read_pieces(in_pieces(blocks, device), device, limit);
  const auto noted = list.note(finds.bad, finds.good);
  return noted ? Status() : tl::make_unexpected(noted.error());
}

}  // namespace pmend::worker
