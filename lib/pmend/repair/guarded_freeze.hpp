// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/guard_link.hpp"
#include "pmend/repair/place.hpp"

// The worker's end of a freeze that a guard keeps (guard.hpp).
namespace pmend::repair {

class GuardedFreeze {
 public:
  // Syncs the file system and has it frozen. `device_fd` is what will be written to. Errors: EBUSY where somebody else
  // has frozen it; kTimedOut where syncing takes too long, so that a freeze would too; the errno; kGone without a
  // guard.
  static Result<GuardedFreeze> begin(const Place& place, int device_fd);
  GuardedFreeze(GuardedFreeze&&) = default;
  GuardedFreeze& operator=(GuardedFreeze&&) = delete;
  ~GuardedFreeze();

  // Has the sectors of a unit written that are not good. The errno of the write, 0, or kSectorReadsAgain. Errors:
  // kTimedOut while the write hangs; kGone where the guard is gone or the time was up.
  Result<int> write(GuardOrder order);

  // Thaws and says for how long it was frozen. Errors: kStale where somebody else thawed it in between; kTimedOut while
  // it cannot be thawed.
  Result<std::chrono::microseconds> end();

 private:
  GuardedFreeze(const Place& place, UniqueFd socket) : place_(&place), socket_(std::move(socket)) {}

  Result<GuardReport> next_report() const;
  Result<std::chrono::microseconds> end_without_guard() const;

  const Place* place_;
  UniqueFd socket_;
};

}  // namespace pmend::repair
