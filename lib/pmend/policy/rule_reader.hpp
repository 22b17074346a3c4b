// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/json_reader.hpp"
#include "pmend/policy/rule.hpp"

#include <cstddef>
#include <optional>

// The parts of a policy file. Problems go to the reader; the value is then incomplete and of no use.
namespace pmend {

// Larger policies were not written by a person, and each incident is compared with each rule.
inline constexpr std::size_t kMostRules = 10'000;

// A limit that the file does not set is absent.
struct WrittenLimits {
  std::optional<std::uint64_t> repairs_per_hour;
  std::optional<std::uint64_t> lost_bytes_per_day;
  std::optional<std::uint64_t> open_incidents_per_device;
  std::optional<std::uint64_t> storm_incidents_per_hour;
};

Rule read_rule(const JsonReader& in);
WrittenLimits read_limits(const JsonReader& in);

// 1 to 64 letters, digits, `-`, `_` and `.`, the first a letter or digit: names of rules and hooks.
bool is_policy_name(std::string_view text);

}  // namespace pmend
