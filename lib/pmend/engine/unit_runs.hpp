// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/model/owner.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Which bad ranges belong together: runs of adjoining repair units, cut where the owners change. Pure arithmetic on
// sorted lists, linear in their length.
namespace pmend::engine {

// Bad bytes of a device, sorted and disjoint, whose repair units adjoin.
using BadRun = std::vector<ByteRange>;

// From the first to the last byte.
ByteRange span_of(const BadRun& run);

// How many units `range` touches.
std::uint64_t units_of(const ByteRange& range, std::uint64_t unit);

// `bad` (sorted, disjoint) as the longest runs of adjoining units of at most kMaxUnitsPerPlan. From the `most_runs`-th
// on nothing is cut, so that a list that names a whole device does not become a million runs.
std::vector<BadRun> unit_runs(const std::vector<ByteRange>& bad, std::uint64_t unit, std::size_t most_runs);

// True if the unit after the last of `before` is the first of `after`, or they share one.
bool adjoin(const ByteRange& before, const ByteRange& after, std::uint64_t unit);

// What an observation says of one run of bad bytes with one set of owners.
struct OwnedRun {
  BadRun bad;
  std::vector<Owner> owners;  // in order of device offset; a file once for each range that it has here
  std::optional<bool> phantom;
  std::string owner_key;  // equal for the same set of owners
};

// Cuts `run`, of at most kMaxUnitsPerPlan units, where the owners of its units change. A unit that two owners share has
// both. What `observed` (in order of offset) does not cover has an unknown owner.
std::vector<OwnedRun> split_by_owner(const BadRun& run, const std::vector<protocol::ObservedRange>& observed,
                                     std::uint64_t unit);

}  // namespace pmend::engine
