// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/clock.hpp"

#include <array>
#include <ctime>

namespace pmend {
namespace {

constexpr const char* kFormat = "%Y-%m-%dT%H:%M:%SZ";

}  // namespace

WallTime SystemClock::wall() const {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::steady() const {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::steady_clock::now());
}

std::string to_rfc3339(WallTime time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), kFormat, &parts);
  return {text.data(), length};
}

Result<WallTime> from_rfc3339(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  const char* end = strptime(copy.c_str(), kFormat, &parts);
  if (end == nullptr || *end != '\0') {
    return fail(Errc::kInvalid, "time '" + copy + "' is not like 2026-11-22T09:00:00Z");
  }
  const WallTime time{std::chrono::seconds(timegm(&parts))};
  // strptime is lenient (February 30th, one-digit fields); what prints differently was not a valid form.
  if (to_rfc3339(time) != text) {
    return fail(Errc::kInvalid, "time '" + copy + "' is not like 2026-11-22T09:00:00Z");
  }
  return time;
}

}  // namespace pmend
