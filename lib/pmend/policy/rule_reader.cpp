// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/rule_reader.hpp"

#include "pmend/model/document.hpp"
#include "pmend/policy/value_reader.hpp"
#include "pmend/policy/when_reader.hpp"

#include <algorithm>
#include <limits>

namespace pmend {
namespace {

constexpr std::string_view kNameForm =
    "a name of 1 to 64 letters, digits, \"-\", \"_\" and \".\", the first a letter or digit";
constexpr std::size_t kLongestNotify = 256;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string read_name(const JsonReader& in) {
  const auto name = read_string(in);
  if (name && !is_policy_name(*name)) {
    in.expected(kNameForm);
  }
  return name.value_or("");
}

std::vector<Method> read_methods(const JsonReader& in) {
  std::vector<Method> methods;
  const auto elements = in.array();
  if (in.is_array() && elements.empty()) {
    in.problem("got an empty array, expected at least one method");
  }
  for (const JsonReader& element : elements) {
    const auto method = element.enumeration<Method>();
    if (std::find(methods.begin(), methods.end(), method) != methods.end()) {
      element.expected("each method once");
    }
    methods.push_back(method);
  }
  std::sort(methods.begin(), methods.end());  // the enumeration is in order of preference
  return methods;
}

std::vector<std::string> read_notify(const JsonReader& in) {
  return one_or_more<std::string>(in, [](const JsonReader& element) {
    const auto text = read_string(element);
    if (text && (text->empty() || text->size() > kLongestNotify)) {
      element.expected("a text of 1 to " + std::to_string(kLongestNotify) + " bytes");
    }
    return text.value_or("");
  });
}

Then read_then(const JsonReader& in) {
  Then then;
  JsonObjectReader object(in);
  if (const auto action = object.required("action")) {
    then.action = action->enumeration<Action>();
  }
  if (const auto methods = object.optional("methods")) {
    then.methods = read_methods(*methods);
  }
  if (const auto restore = object.optional("restore")) {
    then.restore = read_name(*restore);
  }
  if (const auto notify = object.optional("notify")) {
    then.notify = read_notify(*notify);
  }
  if (const auto priority = object.optional("priority")) {
    then.priority = priority->i64(-kMostPriority, kMostPriority);
  }
  object.finish();
  return then;
}

}  // namespace

bool is_policy_name(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  return !text.empty() && text.size() <= kLongest && is_letter_or_digit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
}

Rule read_rule(const JsonReader& in) {
  Rule rule;
  JsonObjectReader object(in);
  if (const auto name = object.required("name")) {
    rule.name = read_name(*name);
  }
  const auto when = object.optional("when");
  if (const auto then = object.required("then")) {
    rule.then = read_then(*then);
  }
  if (when) {
    rule.when = read_when(*when, rule.then.action);
  }
  object.finish();
  return rule;
}

WrittenLimits read_limits(const JsonReader& in) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();  // as large as a file can be
  WrittenLimits limits;
  JsonObjectReader object(in);
  if (const auto limit = object.optional("repairs_per_hour")) {
    limits.repairs_per_hour = limit->u64(0, kMost);
  }
  if (const auto limit = object.optional("lost_bytes_per_day")) {
    limits.lost_bytes_per_day = limit->u64(0, kMost);
  }
  if (const auto limit = object.optional("open_incidents_per_device")) {
    limits.open_incidents_per_device = limit->u64(1, kMost);
  }
  if (const auto limit = object.optional("storm_incidents_per_hour")) {
    limits.storm_incidents_per_hour = limit->u64(1, kMost);
  }
  object.finish();
  return limits;
}

}  // namespace pmend
