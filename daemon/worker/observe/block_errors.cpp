// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/block_errors.hpp"

#include "worker/reread.hpp"

namespace pmend::worker {

bool BlockErrors::add(const ByteRange& failed, Time now) {
  while (!recent_.empty() && now - recent_.front().first >= kRereadPause) {
    recent_.pop_front();
  }
  RangeSet fresh({round_out(failed, kRereadBytes)});
  for (const RangeSet* known : {&waiting_, &running_}) {
    for (const ByteRange& range : known->ranges()) {
      fresh.erase(range);
    }
  }
  for (const auto& [time, read] : recent_) {
    for (const ByteRange& range : read.ranges()) {
      fresh.erase(range);
    }
  }
  if (fresh.empty() || waiting_.ranges().size() >= kMostBlockErrors) {
    return false;
  }
  for (const ByteRange& range : fresh.ranges()) {
    waiting_.insert(range);
  }
  return true;
}

RangeSet BlockErrors::take() {
  running_ = std::exchange(waiting_, {});
  return running_;
}

void BlockErrors::done(Time now) {
  recent_.emplace_back(now, std::exchange(running_, {}));
}

}  // namespace pmend::worker
