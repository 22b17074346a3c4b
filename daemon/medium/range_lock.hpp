// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <condition_variable>
#include <list>
#include <mutex>

namespace pmend::medium {

// Orders requests that overlap. Two writes to one poisoned sector must not interleave: the first one decides, cures and
// stores before the second one looks at the map. Reads share, everything else excludes. Claims that overlap are granted
// in the order in which they came, so nobody starves. A holder never waits for anything but file I/O.
class RangeLock {
 public:
  enum class Kind { kShared, kExclusive };

  // Waits until the range is free; frees it at the end of the scope. The lock outlives the guard.
  class Guard {
   public:
    Guard(RangeLock& lock, const ByteRange& range, Kind kind);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    RangeLock& lock_;
    std::list<std::pair<ByteRange, Kind>>::iterator claim_;
  };

 private:
  using Claims = std::list<std::pair<ByteRange, Kind>>;

  bool is_granted(Claims::const_iterator claim) const;

  std::mutex mutex_;
  std::condition_variable freed_;
  Claims claims_;  // granted and waiting, in order of arrival
};

}  // namespace pmend::medium
