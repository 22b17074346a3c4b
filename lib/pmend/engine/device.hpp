// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/base/ids.hpp"
#include "pmend/base/range.hpp"
#include "pmend/base/range_set.hpp"
#include "pmend/engine/input.hpp"
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

// Repairs that were proven: an error that comes back there is a recurrence.
class PastRepairs {
 public:
  struct Entry {
    ByteRange range;
    std::uint64_t repairs = 0;  // proven so far
    std::uint64_t seen = 0;     // Incident::seen of the latest
  };

  void add(const Entry& entry);
  // The one with the most repairs that overlaps `range`.
  std::optional<Entry> find(const ByteRange& range) const;

 private:
  std::multimap<std::uint64_t, Entry> by_offset_;
  std::uint64_t longest_ = 0;  // how far before `range` an overlapping one can begin
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

  // The size of a repair unit, also while it is not known.
  std::uint64_t unit() const;
  // What the sources list now and is not being settled.
  RangeSet listed() const;
  // True if every source's list is all there is, and there is a source.
  bool lists_complete() const;
  std::vector<std::string> sources_of(const std::vector<ByteRange>& ranges) const;
};

}  // namespace pmend::engine
