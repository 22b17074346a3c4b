// SPDX-License-Identifier: Apache-2.0
#include "pmend/local_clock.hpp"

#include <ctime>

namespace pmend::daemon {

std::optional<LocalTime> local_time(WallTime wall) {
  const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(
                                  std::chrono::floor<std::chrono::seconds>(wall.time_since_epoch()))
                                  .count();
  std::tm broken_down{};
  if (localtime_r(&seconds, &broken_down) == nullptr) {
    return std::nullopt;
  }
  return LocalTime{static_cast<Weekday>(broken_down.tm_wday),
                   static_cast<std::uint16_t>(broken_down.tm_hour * 60 + broken_down.tm_min)};
}

engine::Tick tick_of(const Clock& clock) {
  const WallTime wall = clock.wall();
  return {clock.steady(), wall, local_time(wall)};
}

}  // namespace pmend::daemon
