// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/finding.hpp"

#include "pmend/base/text.hpp"

#include <algorithm>
#include <utility>

namespace pmend {
namespace {

constexpr std::size_t kMostShown = 4;
constexpr std::size_t kLongestShown = 200;  // bytes of one text

std::string in_quotes(std::string_view text) {
  return "\"" + escape_bytes(text.substr(0, kLongestShown)) + (text.size() > kLongestShown ? "…" : "") + "\"";
}

// The first few, each by `show`.
template <class List, class Show>
std::string list_of(const List& list, std::string_view separator, const Show& show) {
  std::string out;
  std::size_t shown = 0;
  for (const auto& element : list) {
    out += shown == 0 ? "" : separator;
    if (shown++ == kMostShown) {
      return out + "…";
    }
    out += show(element);
  }
  return out;
}

std::string range_text(const NumberRange& range) {
  if (range.min == range.max) {
    return std::to_string(range.min);
  }
  if (range.max == NumberRange().max) {
    return std::to_string(range.min) + " or more";
  }
  return range.min == 0 ? "at most " + std::to_string(range.max)
                        : std::to_string(range.min) + " to " + std::to_string(range.max);
}

std::string span_text(const TimeSpan& span) {
  const auto day_text = [](Weekday day) { return std::string(to_string(day)); };
  return to_clock_text(span.from) + "-" + to_clock_text(span.to) +
         (span.days.size() == kWeekdayNames.size() ? "" : " (" + list_of(span.days, ", ", day_text) + ")");
}

std::string flag_text(bool value) {
  return value ? "true" : "false";
}

// What is there, and what should be unless that is it.
std::string detail_of(Truth truth, const std::string& is, const std::string& wanted) {
  return truth == Truth::kYes ? is : is + ", expected " + wanted;
}

bool contains(const TimeSpan& span, const LocalTime& time) {
  const auto begins_on = [&](std::size_t day) {
    return std::binary_search(span.days.begin(), span.days.end(), static_cast<Weekday>(day));
  };
  const auto today = static_cast<std::size_t>(time.day);
  if (span.from < span.to) {
    return time.minute >= span.from && time.minute < span.to && begins_on(today);
  }
  const std::size_t yesterday = (today + kWeekdayNames.size() - 1) % kWeekdayNames.size();
  return (time.minute >= span.from && begins_on(today)) || (time.minute < span.to && begins_on(yesterday));
}

Truth known(bool answer) {
  return answer ? Truth::kYes : Truth::kNo;
}

}  // namespace

Truth truth_of(const TextCondition& condition, const std::optional<std::set<std::string_view>>& matched) {
  if (!matched) {
    return Truth::kUnknown;
  }
  return known(std::any_of(condition.globs.begin(), condition.globs.end(),
                           [&](const std::string& glob) { return matched->contains(glob); }));
}

Truth truth_of(const NumberCondition& condition, const std::optional<std::vector<std::uint64_t>>& values) {
  if (!values) {
    return Truth::kUnknown;
  }
  return known(std::any_of(values->begin(), values->end(), [&](std::uint64_t value) {
    return std::any_of(condition.ranges.begin(), condition.ranges.end(),
                       [&](const NumberRange& range) { return value >= range.min && value <= range.max; });
  }));
}

Truth truth_of(const FlagCondition& condition, std::optional<bool> value) {
  return value ? known(*value == condition.wanted) : Truth::kUnknown;
}

// "unknown" is a kind that a rule can ask for; for a rule that asks for others it is a fact that could not be had.
Truth truth_of(const std::vector<OwnerKind>& wanted, std::optional<OwnerKind> value) {
  if (std::binary_search(wanted.begin(), wanted.end(), value.value_or(OwnerKind::kUnknown))) {
    return Truth::kYes;
  }
  return value ? Truth::kNo : Truth::kUnknown;
}

Truth truth_of(const std::vector<TimeSpan>& wanted, const std::optional<LocalTime>& value) {
  if (!value) {
    return Truth::kUnknown;
  }
  return known(std::any_of(wanted.begin(), wanted.end(), [&](const TimeSpan& span) { return contains(span, *value); }));
}

Finding finding_of(const TextCondition& condition, const std::optional<std::vector<std::string_view>>& values,
                   const std::optional<std::set<std::string_view>>& matched) {
  const Truth truth = truth_of(condition, matched);
  std::string detail = !values || !matched ? "unknown" : values->empty() ? "none" : list_of(*values, ", ", in_quotes);
  if (truth == Truth::kYes) {
    const auto glob = std::find_if(condition.globs.begin(), condition.globs.end(),
                                   [&](const std::string& candidate) { return matched->contains(candidate); });
    detail += " matches " + in_quotes(*glob);
  } else {
    detail += ", expected " + list_of(condition.globs, " or ", in_quotes);
  }
  return {std::string(to_string(condition.key)), truth, std::move(detail)};
}

Finding finding_of(const NumberCondition& condition, const std::optional<std::vector<std::uint64_t>>& values) {
  const Truth truth = truth_of(condition, values);
  const std::string is = !values ? "unknown" : values->empty() ? "none" : std::to_string(values->front());
  return {std::string(to_string(condition.key)), truth,
          detail_of(truth, is, list_of(condition.ranges, " or ", range_text))};
}

Finding finding_of(const FlagCondition& condition, std::optional<bool> value) {
  const Truth truth = truth_of(condition, value);
  return {std::string(to_string(condition.key)), truth,
          detail_of(truth, value ? flag_text(*value) : "unknown", flag_text(condition.wanted))};
}

Finding finding_of(const std::vector<OwnerKind>& wanted, std::optional<OwnerKind> value) {
  const Truth truth = truth_of(wanted, value);
  const auto kind_text = [](OwnerKind kind) { return std::string(to_string(kind)); };
  return {"owner", truth,
          detail_of(truth, kind_text(value.value_or(OwnerKind::kUnknown)), list_of(wanted, " or ", kind_text))};
}

Finding finding_of(const std::vector<TimeSpan>& wanted, const std::optional<LocalTime>& value) {
  const Truth truth = truth_of(wanted, value);
  const std::string is = value ? std::string(to_string(value->day)) + " " + to_clock_text(value->minute) : "unknown";
  return {"time", truth, detail_of(truth, is, list_of(wanted, " or ", span_text))};
}

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
  return list_of(texts, separator, [](const std::string& text) { return text; });
}

std::string joined(const Findings& findings) {
  const std::string text = list_of(findings, " and ", [](const Finding& finding) { return finding.to_string(); });
  return findings.size() == 1 ? text : "(" + text + ")";
}

}  // namespace pmend
