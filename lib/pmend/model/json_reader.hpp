// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/model/enum_names.hpp"
#include "pmend/model/json.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// Strict reading of a JSON tree. Wrong types, numbers that do not fit, missing and unknown keys are problems; all of
// them are collected, reading goes on with a default value, and the caller looks at the problems at the end. No other
// code touches the accessors of nlohmann::json, which convert silently.
namespace pmend {

struct JsonProblem {
  std::string pointer;  // JSON pointer of the value, "" is the whole
  std::string message;  // "got 7, expected a string"

  friend bool operator==(const JsonProblem&, const JsonProblem&) = default;
};

using JsonProblems = std::vector<JsonProblem>;

// "/pointer: message; /pointer: message", the first few of them.
std::string to_string(const JsonProblems& problems);

// One value of a tree. Borrows the tree and the list of problems.
class JsonReader {
 public:
  JsonReader(const Json& value, JsonProblems& problems, std::string pointer = {});

  const std::string& pointer() const { return pointer_; }
  const Json& value() const { return *value_; }
  bool is_null() const;
  bool is_string() const;
  bool is_array() const;
  bool is_object() const;

  // These report a value that is of another kind or out of range, and then return an empty or the lowest value.
  bool boolean() const;
  // Never holds a NUL byte.
  std::string string() const;
  std::uint64_t u64(std::uint64_t min = 0, std::uint64_t max = std::numeric_limits<std::uint64_t>::max()) const;
  std::int64_t i64(std::int64_t min = std::numeric_limits<std::int64_t>::min(),
                   std::int64_t max = std::numeric_limits<std::int64_t>::max()) const;
  // The elements in order; at most `limit` of them are allowed.
  std::vector<JsonReader> array(std::size_t limit = std::numeric_limits<std::size_t>::max()) const;
  template <NamedEnum E>
  E enumeration() const;

  // Adds a problem with this value.
  void problem(std::string message) const;
  // Adds the problem "got VALUE, expected EXPECTED".
  void expected(std::string_view what) const;
  // Of the whole tree, so far.
  std::size_t problem_count() const { return problems_->size(); }

 private:
  friend class JsonObjectReader;
  // Where in `names` the text is; reports one that is not there, and returns names.size().
  std::size_t position_of(const std::vector<std::string_view>& names) const;

  const Json* value_;
  JsonProblems* problems_;
  std::string pointer_;
};

// The members of an object. Each key that was not asked for before finish() is a problem there.
class JsonObjectReader {
 public:
  // Reports a value that is no object; it then has no members, and missing ones are not reported again.
  explicit JsonObjectReader(const JsonReader& object);

  // Nothing where the key is missing; required() also reports that.
  std::optional<JsonReader> required(std::string_view key);
  std::optional<JsonReader> optional(std::string_view key);
  // True if the key is there. Does not count as asking for it.
  bool has(std::string_view key) const;
  // Reports unknown keys, with the nearest known one.
  void finish() const;

  const JsonReader& whole() const { return object_; }
  // All keys that are there, for objects whose keys are data.
  std::vector<std::string> keys() const;

 private:
  std::optional<JsonReader> member(std::string_view key) const;

  JsonReader object_;
  std::set<std::string, std::less<>> asked_;
};

// The name nearest to `text` by edit distance, nothing if none is near.
std::optional<std::string> nearest_name(std::string_view text, const std::vector<std::string_view>& names);

// Reads a whole value. Errors: kInvalid with all problems in the text.
template <class T>
Result<T> from_json(const Json& json);

template <NamedEnum E>
E JsonReader::enumeration() const {
  std::vector<std::string_view> names;
  for (const auto& entry : enum_names(E{})) {
    names.push_back(entry.name);
  }
  const std::size_t position = position_of(names);
  return position < names.size() ? enum_names(E{})[position].value : E{};
}

template <class T>
Result<T> from_json(const Json& json) {
  JsonProblems problems;
  T value{};
  read_json(JsonReader(json, problems), value);
  if (!problems.empty()) {
    return fail(Errc::kInvalid, to_string(problems));
  }
  return value;
}

}  // namespace pmend
