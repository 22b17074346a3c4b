// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/value_reader.hpp"

#include "pmend/model/document.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string>

namespace pmend {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// False for what was reported; `bound` is then as it was.
bool read_bound(const std::optional<JsonReader>& in, std::uint64_t most, std::uint64_t& bound) {
  if (!in) {
    return true;
  }
  const std::uint64_t number = in->u64(0, most);
  const bool good = in->value() == Json(number);
  bound = good ? number : bound;
  return good;
}

// "HH:MM" as minutes after midnight.
std::optional<int> parse_clock_text(const std::string& text) {
  if (text.size() != 5 || text[2] != ':' || !is_digit(text[0]) || !is_digit(text[1]) || !is_digit(text[3]) ||
      !is_digit(text[4])) {
    return std::nullopt;
  }
  const int hours = (text[0] - '0') * 10 + (text[1] - '0');
  const int minutes = (text[3] - '0') * 10 + (text[4] - '0');
  return minutes < 60 ? std::optional(hours * 60 + minutes) : std::nullopt;
}

// False for what was reported; `minutes` is then as it was.
bool read_clock(const std::optional<JsonReader>& in, std::uint16_t most, std::uint16_t& minutes) {
  if (!in) {
    return true;
  }
  const auto text = read_string(*in);
  const auto parsed = text ? parse_clock_text(*text) : std::nullopt;
  if (parsed && *parsed <= most) {
    minutes = static_cast<std::uint16_t>(*parsed);
    return true;
  }
  if (text) {
    in->expected("a time of day from \"00:00\" to \"" + to_clock_text(most) + "\"");
  }
  return false;
}

std::vector<Weekday> read_days(const std::optional<JsonReader>& in) {
  std::vector<Weekday> days;
  if (!in) {
    for (const auto& [day, name] : kWeekdayNames) {
      days.push_back(day);
    }
    return days;
  }
  days = one_or_more<Weekday>(*in, [](const JsonReader& day) { return day.enumeration<Weekday>(); });
  std::sort(days.begin(), days.end());
  days.erase(std::unique(days.begin(), days.end()), days.end());
  return days;
}

}  // namespace

NumberRange read_number_range(const JsonReader& in, std::uint64_t most) {
  if (!in.is_object()) {
    const std::uint64_t number = in.u64(0, most);
    return {number, number};
  }
  NumberRange range;
  JsonObjectReader object(in);
  const bool min_good = read_bound(object.optional("min"), most, range.min);
  const bool max_good = read_bound(object.optional("max"), most, range.max);
  if (object.keys().empty()) {
    in.problem("got an empty object, expected \"min\", \"max\" or both");
  } else if (min_good && max_good && range.min > range.max) {
    in.problem("\"min\" is more than \"max\", expected a range that holds something");
  }
  object.finish();
  return range;
}

TimeSpan read_time_span(const JsonReader& in) {
  TimeSpan span;
  JsonObjectReader object(in);
  span.days = read_days(object.optional("days"));
  const bool from_good = read_clock(object.optional("from"), kMinutesPerDay - 1, span.from);
  const bool to_good = read_clock(object.optional("to"), kMinutesPerDay, span.to);
  if (in.is_object() && object.keys().empty()) {
    in.problem("got an empty object, expected \"days\", \"from\" and \"to\" or some of them");
  } else if (from_good && to_good && span.from == span.to) {
    in.problem("\"from\" and \"to\" are the same, expected a span that holds something");
  }
  object.finish();
  return span;
}

}  // namespace pmend
