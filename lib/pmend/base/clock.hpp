// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace pmend {

// Whole microseconds are kept; the text form has whole seconds.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::microseconds>;

// Where time comes from. Steady time is for delays, wall time only for records.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;
  virtual SteadyTime steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  WallTime wall() const override;
  SteadyTime steady() const override;
};

// "2026-11-22T09:00:00Z" (RFC 3339, UTC, whole seconds rounded down).
std::string to_rfc3339(WallTime time);

// Accepts exactly what to_rfc3339() prints. Errors: kInvalid.
Result<WallTime> from_rfc3339(std::string_view text);

}  // namespace pmend
