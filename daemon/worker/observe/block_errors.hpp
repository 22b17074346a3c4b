// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <utility>

namespace pmend::worker {

// What of one disk is to be read again, because a read of somebody has failed there. The same sectors fail many times
// over: programs try again, and so fail our own reads of them. So each page is read again once, and then not for a
// while. No I/O and no clock.
class BlockErrors {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // A read of these bytes has failed. False if nothing has to be read for it: it is or was just now, or too much waits.
  bool add(const ByteRange& failed, Time now);
  // True if something waits and nothing is being read.
  bool ready() const { return !waiting_.empty() && running_.empty(); }
  // What is to be read now; done() has to follow.
  RangeSet take();
  void done(Time now);

 private:
  RangeSet waiting_;
  RangeSet running_;
  std::deque<std::pair<Time, RangeSet>> recent_;
};

// What is read again because of an error is not read again for so long.
inline constexpr std::chrono::seconds kRereadPause{60};
// A disk that fails in more places than this at a time is rather to be scrubbed.
inline constexpr std::size_t kMostBlockErrors = 256;

}  // namespace pmend::worker
