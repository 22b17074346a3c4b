// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/base/range_set.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pmend::medium {

// Which sectors are bad, which are only listed as bad, and which will be bad again. Pure: a value without I/O.
// All ranges are bytes and must be whole 512-byte sectors on the disk; the map does not know the disk's size.
// No sector is both poisoned and a phantom.
class PoisonMap {
 public:
  // Sectors waiting to be bad again, by the time when that happens. No sector is in two of the sets.
  using Returns = std::map<SteadyTime, RangeSet>;

  void poison(const ByteRange& range);
  // Makes the sectors of `range` that are not poisoned phantoms: listed although they read fine.
  void add_phantom(const ByteRange& range);
  // Forgets everything about `range`, pending returns too: the tester's eraser.
  void remove(const ByteRange& range);
  // What a successful write or zero does: poison and phantoms of `range` go; the poison comes back at `returns_at`.
  void cure(const ByteRange& range, std::optional<SteadyTime> returns_at);
  // Sets or moves the return of `range`.
  void schedule(const ByteRange& range, SteadyTime returns_at);
  // Poisons what is due and gives the ranges.
  std::vector<ByteRange> take_due(SteadyTime now);
  std::optional<SteadyTime> next_return() const;

  const RangeSet& poisoned() const { return poisoned_; }
  const RangeSet& phantoms() const { return phantoms_; }
  const Returns& returns() const { return returns_; }

  // Poison and phantoms as one list, each entry rounded out to `unit_sectors` (a power of two) and cut at the end of
  // the disk.
  std::vector<SectorRange> listed(std::uint64_t unit_sectors, std::uint64_t disk_bytes) const;

  // The truth, one line per range in order: "FIRST COUNT poison", "FIRST COUNT phantom", "FIRST COUNT returns-in-S"
  // (S in seconds, rounded up).
  std::string describe(SteadyTime now) const;

  friend bool operator==(const PoisonMap&, const PoisonMap&) = default;

 private:
  RangeSet poisoned_;
  RangeSet phantoms_;
  Returns returns_;
};

}  // namespace pmend::medium
