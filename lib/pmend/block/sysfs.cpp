// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/sysfs.hpp"

#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <system_error>

namespace pmend::block {

std::optional<std::string> read_attribute(const std::string& directory, const std::string& name) {
  auto text = read_text_file(directory + "/" + name);
  if (!text) {
    return std::nullopt;
  }
  if (text->ends_with('\n')) {
    text->pop_back();
  }
  return std::move(*text);
}

std::optional<std::uint64_t> read_number(const std::string& directory, const std::string& name) {
  const auto text = read_attribute(directory, name);
  if (!text) {
    return std::nullopt;
  }
  const auto number = parse_u64(*text);
  return number ? std::optional(*number) : std::nullopt;
}

std::vector<std::string> list_directory(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename());
  }
  std::ranges::sort(names);
  return names;
}

std::optional<std::string> uevent_value(const std::string& uevent, const std::string& key) {
  std::istringstream lines(uevent);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key + "=")) {
      return line.substr(key.size() + 1);
    }
  }
  return std::nullopt;
}

}  // namespace pmend::block
