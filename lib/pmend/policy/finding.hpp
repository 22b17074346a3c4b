// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/enum_names.hpp"
#include "pmend/policy/conditions.hpp"
#include "pmend/policy/facts.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// Answers to conditions, and how people read them.
namespace pmend {

// Ordered: the weakest answer of several that must all hold is the smallest, of alternatives it is the largest.
enum class Truth { kNo, kUnknown, kYes };
inline constexpr std::array kTruthNames = {EnumName{Truth::kNo, "no"}, EnumName{Truth::kUnknown, "unknown"},
                                           EnumName{Truth::kYes, "yes"}};
constexpr std::span<const EnumName<Truth>> enum_names(Truth) {
  return kTruthNames;
}

constexpr Truth negation_of(Truth truth) {
  return truth == Truth::kUnknown ? truth : truth == Truth::kYes ? Truth::kNo : Truth::kYes;
}

// What one key of a `when` came to.
struct Finding {
  std::string key;
  Truth truth = Truth::kUnknown;
  std::string detail;  // "512, expected at most 0"

  std::string to_string() const { return key + ": " + detail; }
  friend bool operator==(const Finding&, const Finding&) = default;
};
using Findings = std::vector<Finding>;

// Each compares one condition with the values of subject.hpp and says so. `matched` are the globs that match.
Finding finding_of(const TextCondition& condition, const std::optional<std::vector<std::string_view>>& values,
                   const std::optional<std::set<std::string_view>>& matched);
Finding finding_of(const NumberCondition& condition, const std::optional<std::vector<std::uint64_t>>& values);
Finding finding_of(const FlagCondition& condition, std::optional<bool> value);
Finding finding_of(const std::vector<OwnerKind>& wanted, std::optional<OwnerKind> value);
Finding finding_of(const std::vector<TimeSpan>& wanted, const std::optional<LocalTime>& value);

// The answers alone.
Truth truth_of(const TextCondition& condition, const std::optional<std::set<std::string_view>>& matched);
Truth truth_of(const NumberCondition& condition, const std::optional<std::vector<std::uint64_t>>& values);
Truth truth_of(const FlagCondition& condition, std::optional<bool> value);
Truth truth_of(const std::vector<OwnerKind>& wanted, std::optional<OwnerKind> value);
Truth truth_of(const std::vector<TimeSpan>& wanted, const std::optional<LocalTime>& value);

// The first few.
std::string joined(const std::vector<std::string>& texts, std::string_view separator);
// "uid: 5, expected 0", and of several "(uid: 5, expected 0 and path: unknown, …)": the first few.
std::string joined(const Findings& findings);

}  // namespace pmend
