// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/json_reader.hpp"

#include "pmend/base/text.hpp"
#include "pmend/model/json_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

namespace pmend {
namespace {

constexpr std::size_t kLongestShown = 60;
constexpr std::size_t kMostShown = 8;

std::string in_quotes(std::string_view text) {
  const std::string shown = escape_bytes(text.substr(0, kLongestShown));
  return "\"" + shown + (text.size() > kLongestShown ? "…" : "") + "\"";
}

std::string shown(const Json& value) {
  if (value.is_object()) {
    return "an object";
  }
  if (value.is_array()) {
    return "an array";
  }
  if (const auto* text = value.get_ptr<const std::string*>()) {
    return in_quotes(*text);
  }
  return to_json_text(value);
}

template <class T>
std::string range_text(T min, T max) {
  if (max != std::numeric_limits<T>::max()) {
    return "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
  }
  return min == std::numeric_limits<T>::min() && min != 0 ? "a whole number"
                                                          : "a whole number, " + std::to_string(min) + " or more";
}

std::string list_of(const std::vector<std::string_view>& names) {
  std::string out;
  for (const std::string_view name : names) {
    out += (out.empty() ? "" : ", ") + in_quotes(name);
  }
  return out;
}

// Levenshtein's: insertions, deletions and replacements.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string to_string(const JsonProblems& problems) {
  std::string out;
  for (std::size_t i = 0; i < std::min(problems.size(), kMostShown); ++i) {
    const auto& [pointer, message] = problems[i];
    out += (out.empty() ? "" : "; ") + escape_bytes(pointer) + (pointer.empty() ? "" : ": ") + message;
  }
  if (problems.size() > kMostShown) {
    out += "; and " + std::to_string(problems.size() - kMostShown) + " more";
  }
  return out;
}

std::optional<std::string> nearest_name(std::string_view text, const std::vector<std::string_view>& names) {
  if (text.size() > kLongestShown) {
    return std::nullopt;
  }
  std::size_t best = text.size() / 3 + 2;  // what is further away was not meant
  std::optional<std::string> nearest;
  for (const std::string_view name : names) {
    if (const std::size_t distance = edit_distance(text, name); distance < best && distance < name.size()) {
      best = distance;
      nearest = name;
    }
  }
  return nearest;
}

JsonReader::JsonReader(const Json& value, JsonProblems& problems, std::string pointer)
    : value_(&value), problems_(&problems), pointer_(std::move(pointer)) {}

bool JsonReader::is_null() const {
  return value_->is_null();
}
bool JsonReader::is_string() const {
  return value_->is_string();
}
bool JsonReader::is_array() const {
  return value_->is_array();
}
bool JsonReader::is_object() const {
  return value_->is_object();
}

bool JsonReader::boolean() const {
  if (const auto* value = value_->get_ptr<const bool*>()) {
    return *value;
  }
  expected("true or false");
  return false;
}

std::string JsonReader::string() const {
  const auto* text = value_->get_ptr<const std::string*>();
  if (text == nullptr) {
    expected("a string");
    return {};
  }
  // C interfaces would end the text there.
  if (text->find('\0') != std::string::npos) {
    expected("a string without NUL");
    return {};
  }
  return *text;
}

std::uint64_t JsonReader::u64(std::uint64_t min, std::uint64_t max) const {
  std::optional<std::uint64_t> number;
  if (const auto* plain = value_->get_ptr<const Json::number_unsigned_t*>()) {
    number = *plain;
  } else if (const auto* with_sign = value_->get_ptr<const Json::number_integer_t*>(); with_sign && *with_sign >= 0) {
    number = static_cast<std::uint64_t>(*with_sign);
  }
  if (number && *number >= min && *number <= max) {
    return *number;
  }
  expected(range_text(min, max));
  return min;
}

std::int64_t JsonReader::i64(std::int64_t min, std::int64_t max) const {
  std::optional<std::int64_t> number;
  if (const auto* plain = value_->get_ptr<const Json::number_unsigned_t*>()) {
    if (std::in_range<std::int64_t>(*plain)) {
      number = static_cast<std::int64_t>(*plain);
    }
  } else if (const auto* with_sign = value_->get_ptr<const Json::number_integer_t*>()) {
    number = *with_sign;
  }
  if (number && *number >= min && *number <= max) {
    return *number;
  }
  expected(range_text(min, max));
  return min;
}

std::vector<JsonReader> JsonReader::array(std::size_t limit) const {
  std::vector<JsonReader> elements;
  const auto* list = value_->get_ptr<const Json::array_t*>();
  if (list == nullptr) {
    expected("an array");
    return elements;
  }
  if (list->size() > limit) {
    problem("got " + std::to_string(list->size()) + " elements, expected at most " + std::to_string(limit));
    return elements;
  }
  elements.reserve(list->size());
  for (const Json& element : *list) {
    elements.emplace_back(element, *problems_, pointer_to(pointer_, std::to_string(elements.size())));
  }
  return elements;
}

std::size_t JsonReader::position_of(const std::vector<std::string_view>& names) const {
  const auto* text = value_->get_ptr<const std::string*>();
  const std::string_view name = text == nullptr ? std::string_view() : *text;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    const auto meant = nearest_name(name, names);
    expected((names.size() > 1 ? "one of " : "") + list_of(names) +
             (meant ? "; did you mean " + in_quotes(*meant) + "?" : ""));
  }
  return static_cast<std::size_t>(found - names.begin());
}

void JsonReader::problem(std::string message) const {
  problems_->push_back({pointer_, std::move(message)});
}

void JsonReader::expected(std::string_view what) const {
  problem("got " + shown(*value_) + ", expected " + std::string(what));
}

JsonObjectReader::JsonObjectReader(const JsonReader& object) : object_(object) {
  if (!object_.is_object()) {
    object_.expected("an object");
  }
}

std::optional<JsonReader> JsonObjectReader::member(std::string_view key) const {
  const auto* members = object_.value_->get_ptr<const Json::object_t*>();
  if (members == nullptr) {
    return std::nullopt;
  }
  const auto found = members->find(key);
  if (found == members->end()) {
    return std::nullopt;
  }
  return JsonReader(found->second, *object_.problems_, pointer_to(object_.pointer_, key));
}

std::optional<JsonReader> JsonObjectReader::optional(std::string_view key) {
  asked_.emplace(key);
  return member(key);
}

std::optional<JsonReader> JsonObjectReader::required(std::string_view key) {
  auto member = optional(key);
  if (!member && object_.is_object()) {
    object_.problem("key " + in_quotes(key) + " is missing");
  }
  return member;
}

bool JsonObjectReader::has(std::string_view key) const {
  return member(key).has_value();
}

std::vector<std::string> JsonObjectReader::keys() const {
  std::vector<std::string> keys;
  if (const auto* members = object_.value_->get_ptr<const Json::object_t*>()) {
    for (const auto& [key, value] : *members) {
      keys.push_back(key);
    }
  }
  return keys;
}

void JsonObjectReader::finish() const {
  const std::vector<std::string_view> known(asked_.begin(), asked_.end());
  for (const std::string& key : keys()) {
    if (asked_.contains(key)) {
      continue;
    }
    const auto meant = nearest_name(key, known);
    const std::string hint = meant ? ", did you mean " + in_quotes(*meant) + "?" : ", expected " + list_of(known);
    member(key)->problem("unknown key " + in_quotes(key) + hint);
  }
}

}  // namespace pmend
