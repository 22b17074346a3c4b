// SPDX-License-Identifier: Apache-2.0
#include "pmend/nvdimm/linear_map.hpp"

#include <algorithm>
#include <functional>

namespace pmend::nvdimm {
namespace {

bool overlap_somewhere(std::vector<ByteRange> ranges) {
  std::ranges::sort(ranges);
  return std::ranges::adjacent_find(ranges, [](const ByteRange& a, const ByteRange& b) { return a.overlaps(b); }) !=
         ranges.end();
}

void append(std::vector<LinearPiece>& pieces, const LinearPiece& piece) {
  if (!pieces.empty() && pieces.back().upper.end() == piece.upper.offset &&
      pieces.back().lower_range().end() == piece.lower) {
    pieces.back().upper.length += piece.upper.length;
    return;
  }
  pieces.push_back(piece);
}

}  // namespace

Result<LinearMap> LinearMap::make(std::vector<LinearPiece> pieces) {
  std::erase_if(pieces, [](const LinearPiece& piece) { return piece.upper.empty(); });
  std::ranges::sort(pieces);
  std::vector<ByteRange> uppers;
  std::vector<ByteRange> lowers;
  for (const LinearPiece& piece : pieces) {
    const auto upper = make_byte_range(piece.upper.offset, piece.upper.length);
    const auto lower = make_byte_range(piece.lower, piece.upper.length);
    if (!upper || !lower) {
      return tl::make_unexpected(upper ? lower.error() : upper.error());
    }
    uppers.push_back(*upper);
    lowers.push_back(*lower);
  }
  if (overlap_somewhere(std::move(uppers)) || overlap_somewhere(std::move(lowers))) {
    return fail(Errc::kInvalid, "pieces of a linear map overlap");
  }
  LinearMap map;
  for (const LinearPiece& piece : pieces) {
    append(map.pieces_, piece);
  }
  return map;
}

std::vector<LinearPiece> LinearMap::down(const ByteRange& upper) const {
  std::vector<LinearPiece> found;
  for (const LinearPiece& piece : pieces_) {
    if (const auto common = intersect(piece.upper, upper)) {
      found.push_back({*common, piece.lower + (common->offset - piece.upper.offset)});
    }
  }
  return found;
}

std::vector<LinearPiece> LinearMap::up(const ByteRange& lower) const {
  std::vector<LinearPiece> found;
  for (const LinearPiece& piece : pieces_) {
    if (const auto common = intersect(piece.lower_range(), lower)) {
      found.push_back({{piece.upper.offset + (common->offset - piece.lower), common->length}, common->offset});
    }
  }
  std::ranges::sort(found, {}, &LinearPiece::lower);
  return found;
}

LinearMap stack(const LinearMap& upper, const LinearMap& lower) {
  std::vector<LinearPiece> pieces;
  for (const LinearPiece& piece : upper.pieces()) {
    for (const LinearPiece& below : lower.down(piece.lower_range())) {
      pieces.push_back({{piece.upper.offset + (below.upper.offset - piece.lower), below.upper.length}, below.lower});
    }
  }
  // Both maps are one to one, so this one is.
  return LinearMap::make(std::move(pieces)).value();
}

}  // namespace pmend::nvdimm
