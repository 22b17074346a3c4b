// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/place.hpp"
#include "pmend/repair/sectors.hpp"
#include "worker/suspects.hpp"

#include <chrono>

namespace pmend::worker {

// What direct reads have shown of some sectors.
struct ReadFinds {
  RangeSet good;
  RangeSet bad;

  void add(const repair::SectorsRead& read);
};

// The page around a listed sector is read with it: a plan for it has to know of every bad sector there.
inline constexpr std::uint64_t kRereadBytes = 4096;

// Reads the pages of `wanted` that have something listed from the device, in order and in children; takes what can be
// read out of the list, adds what cannot, and gives what the list then has, all of it. No read is begun once `limit`
// has passed: what it was not the turn of, and what gives no answer, stays as it was. `device` needs only what direct
// reads need. Errors: those of SuspectList.
Result<repair::BadList> read_again(const SuspectList& list, const repair::Place& device, const RangeSet& wanted,
                                   std::chrono::seconds limit);

// Reads all of `wanted`, whole pages, as above, whether it is listed or not: what cannot be read is added to the list,
// what can be read is taken out. Errors: those of SuspectList.
Status read_and_note(const SuspectList& list, const repair::Place& device, const RangeSet& wanted,
                     std::chrono::seconds limit);

}  // namespace pmend::worker
