// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/base/ids.hpp"
#include "pmend/base/range.hpp"
#include "pmend/base/range_set.hpp"
#include "pmend/engine/input.hpp"
#include "pmend/ledger/state.hpp"
#include "pmend/model/media_error.hpp"
#include "pmend/model/observe_verbs.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pmend::engine {

// What one source said last. Of lists that were cut short everything that was ever said is kept.
struct SourceList {
  RangeSet ranges;
  bool complete = false;

  friend bool operator==(const SourceList&, const SourceList&) = default;
};

// Repairs that were proven: an error that comes back there is a recurrence. There are as many as there ever were on the
// device, so they lie packed.
class PastRepairs {
 public:
  void add(const PastRepair& repair);
  // Of those that overlap any of `ranges`: the most repairs, the highest `seen` and the latest time. The range is that
  // of the one with the most repairs.
  std::optional<PastRepair> find(const std::vector<ByteRange>& ranges) const;

 private:
  std::vector<PastRepair> by_offset_;
  std::uint64_t longest_ = 0;  // how far before a range an overlapping one can begin
};

// A block device that was told of, watched now or not.
struct Device {
  std::string device_id;
  protocol::DeviceInfo info;  // as last told; without node until then
  bool present = false;
  WallTime first_seen;

  std::map<std::string, SourceList> lists;        // by source
  std::map<std::uint64_t, IncidentId> by_offset;  // open incidents by their first byte; they do not overlap
  std::set<IncidentId> shelved;                   // those of them that were dismissed
  PastRepairs past;
  std::optional<Storm> storm;       // errors spread: nothing on it is repaired without a person
  std::optional<WallTime> resumed;  // when a person ended the last one

  std::set<IncidentId> to_observe;
  std::optional<QueryId> observing;

  // A list that was read before a repair may come after it. What was repaired therefore does not count as listed until
  // a list has come that was asked for after the repair.
  RangeSet settling;        // repaired since the List under way was asked for
  RangeSet settling_asked;  // repaired before that
  bool list_wanted = false;
  std::optional<QueryId> listing;
  std::optional<SteadyTime> list_at;  // a List failed: when to ask again
  std::uint64_t list_failures = 0;

  // What its errors can spread on: a region of memory, which lies on the same modules throughout, else the device.
  // Devices of one medium share a breaker.
  std::string medium() const;
  // True if its bus keeps records of the address range scrub, so that a phantom can be told.
  bool has_ars() const;
  // Where in the machine these bytes lie, if the device is memory.
  std::optional<MediumPlace> place_of(const ByteRange& range) const;
  // The size of a repair unit, also while it is not known.
  std::uint64_t unit() const;
  // What the sources list now and is not being settled.
  RangeSet listed() const;
  // True if every source's list is all there is, and there is a source.
  bool lists_complete() const;
  std::vector<std::string> sources_of(const std::vector<ByteRange>& ranges) const;
};

}  // namespace pmend::engine
