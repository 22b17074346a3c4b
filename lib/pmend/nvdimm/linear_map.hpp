// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <cstdint>
#include <vector>

namespace pmend::nvdimm {

// A run of bytes that lie one after the other in two counts: those of `upper` at `lower` and on.
struct LinearPiece {
  ByteRange upper;
  std::uint64_t lower = 0;

  ByteRange lower_range() const { return {lower, upper.length}; }

  friend auto operator<=>(const LinearPiece&, const LinearPiece&) = default;
};

// How the bytes of one thing (a block device, a partition, a dm-linear target) lie in what it is made of (physical
// addresses, a disk). Bytes are the unit on both sides; nothing is rounded, and what lies outside of all pieces has no
// place on the other side.
class LinearMap {
 public:
  LinearMap() = default;
  // Errors: kInvalid if two pieces overlap on either side, or one reaches past the largest off_t.
  static Result<LinearMap> make(std::vector<LinearPiece> pieces);

  const std::vector<LinearPiece>& pieces() const { return pieces_; }
  // In order of the range that was asked for; pieces that touch on both sides are one.
  std::vector<LinearPiece> down(const ByteRange& upper) const;
  std::vector<LinearPiece> up(const ByteRange& lower) const;

 private:
  std::vector<LinearPiece> pieces_;  // in order of upper, none empty
};

// `upper` on `lower`: its lower side counts as `lower`'s upper side does.
LinearMap stack(const LinearMap& upper, const LinearMap& lower);

}  // namespace pmend::nvdimm
