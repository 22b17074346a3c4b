// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/nvdimm/linear_map.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

// Whether firmware confirms what the kernel lists. A phantom is listed, but no record of a fresh address range scrub
// has it.
//
// Fresh is a scrub that began after the entry was listed: it has looked at the place since. No clock says so, as the
// kernel does not tell when a scrub begins, but its counter of ended scrubs does. An entry that was first seen while
// the counter stood at N and no scrub ran was listed before scrub N+1 began; one that was first seen while that one
// ran, only before N+2. What is listed when watching begins counts as first seen then. A record that has the place
// confirms it, fresh or not. What scrub it was (firmware may take its own notes for one after a notification) cannot be
// told; a phantom that is none is only held back.
namespace pmend::worker {

// The attribute "scrub" of a bus: "7", while one runs "7+".
struct ScrubCount {
  std::uint64_t ended = 0;
  bool running = false;

  // The first scrub that begins after now ends with at least this count.
  std::uint64_t next_fresh() const { return ended + (running ? 2 : 1); }

  friend bool operator==(const ScrubCount&, const ScrubCount&) = default;
};

// Errors: the errno; kInvalid.
Result<ScrubCount> read_scrub_count(const std::string& attribute);
Result<ScrubCount> parse_scrub_count(const std::string& text);

// When each byte of a list was first seen there, as what the counter must reach.
class FirstSeen {
 public:
  // What is not listed any more is forgotten; coming back it is new. Of a list that was cut nothing is forgotten.
  void take(const RangeSet& listed, bool complete, std::uint64_t next_fresh);
  // True if a scrub that ended as number `ended` began after all of the range was listed. False also if any of it is
  // not listed.
  bool seen_before(const ByteRange& range, std::uint64_t ended) const;

 private:
  std::map<std::uint64_t, RangeSet> by_count_;
};

// What the last scrub said.
struct ScrubRecords {
  std::uint64_t ended = 0;  // the counter then
  RangeSet covered;         // physical
  RangeSet bad;             // physical, in whole sectors

  friend bool operator==(const ScrubRecords&, const ScrubRecords&) = default;
};

std::optional<bool> is_phantom(const ByteRange& device_range, const nvdimm::LinearMap& device, const FirstSeen& seen,
                               const ScrubRecords& records);

}  // namespace pmend::worker
