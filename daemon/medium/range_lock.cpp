// SPDX-License-Identifier: Apache-2.0
#include "medium/range_lock.hpp"

#include <algorithm>

namespace pmend::medium {

RangeLock::Guard::Guard(RangeLock& lock, const ByteRange& range, Kind kind) : lock_(lock) {
  std::unique_lock held(lock.mutex_);
  claim_ = lock.claims_.emplace(lock.claims_.end(), range, kind);
  lock.freed_.wait(held, [&] { return lock.is_granted(claim_); });
}

RangeLock::Guard::~Guard() {
  {
    const std::lock_guard held(lock_.mutex_);
    lock_.claims_.erase(claim_);
  }
  lock_.freed_.notify_all();
}

bool RangeLock::is_granted(Claims::const_iterator claim) const {
  const auto& [range, kind] = *claim;
  return std::none_of(claims_.begin(), claim, [&](const auto& earlier) {
    return earlier.first.overlaps(range) && (kind == Kind::kExclusive || earlier.second == Kind::kExclusive);
  });
}

}  // namespace pmend::medium
