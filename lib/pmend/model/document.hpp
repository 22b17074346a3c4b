// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/json_reader.hpp"
#include "pmend/model/json_text.hpp"

#include <tl/expected.hpp>

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <vector>

// Reading of the files that people write: JSON with comments, checked strictly. Nothing here stops at the first
// problem; the caller gets all of them, each with its place, and decides not to use the file.
namespace pmend {

struct ConfigProblem {
  std::string file;
  std::optional<JsonPlace> place;  // absent where the file as a whole is meant
  std::string pointer;             // JSON pointer of the value, "" is the whole
  std::string message;             // "got 7, expected a string"

  // "file:line:column: /pointer: message", one line; "file: message" where the file as a whole is meant.
  std::string to_string() const;

  friend bool operator==(const ConfigProblem&, const ConfigProblem&) = default;
};

using ConfigProblems = std::vector<ConfigProblem>;

// One problem per line.
std::string to_string(const ConfigProblems& problems);

// The text of a file. `file` is how problems name it.
struct SourceText {
  std::string file;
  std::string text;
};

// Room for thousands of rules; what is larger was not written by a person.
inline constexpr std::size_t kConfigSizeLimit = 1U << 20U;  // bytes

// The regular file (or link to one) at `path`, at most kConfigSizeLimit bytes. Never waits for a pipe or a device.
// Nothing if it is a link to /dev/null, which masks.
tl::expected<std::optional<SourceText>, ConfigProblem> read_source(const std::string& path);

// Parses `source` and hands the tree and its places to `read`; problems of both, in order of place, are added.
using DocumentReader = std::function<void(const JsonReader& whole, const JsonPlaces& places)>;
void read_document(const SourceText& source, ConfigProblems& problems, const DocumentReader& read);

// The string there; nothing for what JsonReader::string() reports, so that it is not reported a second time.
std::optional<std::string> read_string(const JsonReader& in);

}  // namespace pmend
