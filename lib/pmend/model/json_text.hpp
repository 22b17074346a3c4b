// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/json.hpp"

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// JSON text to a tree and back, strictly: UTF-8 without byte order mark, no NUL byte, no key twice in an object,
// nothing after the value, bounded depth and size.
namespace pmend {

// Both count from 1; columns count characters, not bytes.
struct JsonPlace {
  std::size_t line = 1;
  std::size_t column = 1;

  friend bool operator==(const JsonPlace&, const JsonPlace&) = default;
};

// Where each value of a text begins, by JSON pointer ("" is the whole, "/rules/0/name").
using JsonPlaces = std::map<std::string, JsonPlace, std::less<>>;

struct JsonTextOptions {
  bool comments = false;               // allow // and /* */
  bool places = false;                 // fill JsonText::places
  bool collect_duplicates = false;     // a key that is there twice goes to JsonText::duplicates and does not end it
  std::size_t size_limit = 1U << 20U;  // bytes
  std::size_t depth_limit = 64;        // arrays and objects inside each other
};

// Why a text is not JSON as we take it, and where.
struct JsonTextError {
  JsonPlace place;
  std::string pointer;  // the value that was being read
  std::string message;

  // "3:14: /rules/0: message"
  std::string to_string() const;
};

struct JsonText {
  Json value;
  JsonPlaces places;
  std::vector<JsonTextError> duplicates;  // the later of the two values is the one in `value`
};

tl::expected<JsonText, JsonTextError> parse_json_text(std::string_view text, const JsonTextOptions& options = {});

// `pointer`, or the nearest value around it that has a place.
JsonPlace place_of(const JsonPlaces& places, std::string_view pointer);

// `pointer` of an object with "/key" added, escaped as RFC 6901 says.
std::string pointer_to(std::string_view pointer, std::string_view key);

// One line, keys sorted, no white space. Never fails: strings that are not UTF-8 get replacement characters.
std::string to_json_text(const Json& value);

}  // namespace pmend
