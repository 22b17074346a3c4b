// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/base/range.hpp"
#include "pmend/base/unique_fd.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What a repairing worker and the guard of its freeze say to each other, over a SOCK_SEQPACKET socket. Both are one
// program on one machine, so that a message is bytes as they lie in memory, and its length is checked.
namespace pmend::repair {

enum class GuardVerb : std::uint32_t {
  kFreeze = 1,  // with descriptors: the mount, the device, and locks that must outlive the worker
  kWrite = 2,
  kThaw = 3,
};

struct GuardOrder {
  GuardVerb verb = GuardVerb::kThaw;
  std::chrono::milliseconds limit{0};  // kFreeze: after this time it is thawed, whatever happens
  bool still_bad = true;               // kWrite: only where none of the bad sectors can be read
  bool whole_pages = false;            // kWrite: each page with a bad sector at once, else the bad sectors alone
  ByteRange device_range;              // kWrite: the unit, relative to the device
  std::string sectors;                 // kWrite: its letters
  std::vector<std::byte> bytes;        // kWrite: the rebuilt unit
};

enum class GuardState : std::uint32_t {
  kNotFrozen = 1,  // the freeze did not come about
  kFrozen = 2,
  kThawed = 3,
  kStuck = 4,  // freeze or write hang in the kernel; it is thawed once they are over
};

struct GuardReport {
  GuardState state = GuardState::kNotFrozen;
  int error = 0;                       // errno of what was ordered, 0 if it was done
  std::chrono::microseconds frozen{};  // for how long it was
};

// An errno that no write gives: a sector that must be bad can be read.
inline constexpr int kSectorReadsAgain = 125;  // ECANCELED

Status send_order(int socket, const GuardOrder& order, const std::vector<int>& descriptors);
struct ReceivedOrder {
  GuardOrder order;
  std::vector<UniqueFd> descriptors;
};
// Waits at most `limit`. Errors: kTimedOut; kGone where the other side is gone; kInvalid for what is no order.
Result<ReceivedOrder> receive_order(int socket, std::chrono::milliseconds limit);

Status send_report(int socket, const GuardReport& report);
Result<GuardReport> receive_report(int socket, std::chrono::milliseconds limit);

}  // namespace pmend::repair
