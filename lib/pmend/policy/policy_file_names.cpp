// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/policy_file_names.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <system_error>

namespace pmend {
namespace {

bool is_ascii_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name_byte(char c) {
  return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

// The names in one directory, sorted so that problems have a fixed order.
std::vector<std::string> names_in(const PolicyDirectory& directory, ConfigProblems& problems) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory.path, error);
  while (!error && entry != std::filesystem::directory_iterator()) {
    names.push_back(entry->path().filename());
    entry.increment(error);
  }
  const bool missing = error == std::errc::no_such_file_or_directory;
  if (error && (directory.required || !missing)) {
    problems.push_back({directory.path, std::nullopt, {}, "directory cannot be read: " + error.message()});
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

bool is_policy_file_name(std::string_view name) {
  constexpr std::string_view kEnd = ".json";
  constexpr std::size_t kShortest = 9;  // "NN-x.json"
  return name.size() >= kShortest && is_ascii_digit(name[0]) && is_ascii_digit(name[1]) && name[2] == '-' &&
         name.ends_with(kEnd) && std::all_of(name.begin(), name.end(), is_name_byte);
}

bool is_leftover(std::string_view name) {
  constexpr std::array kEnds = {"~",        ".bak",     ".orig",     ".rej",     ".swp",    ".rpmnew",
                                ".rpmorig", ".rpmsave", ".ucf-dist", ".ucf-new", ".ucf-old"};
  return name.starts_with('.') || name.find(".dpkg-") != std::string_view::npos ||
         std::any_of(kEnds.begin(), kEnds.end(), [&](std::string_view end) { return name.ends_with(end); });
}

std::vector<std::string> policy_files(const std::vector<PolicyDirectory>& directories, ConfigProblems& problems) {
  std::map<std::string, std::string> paths;  // by file name
  for (const PolicyDirectory& directory : directories) {
    for (const std::string& name : names_in(directory, problems)) {
      const std::string path = std::filesystem::path(directory.path) / name;
      if (is_policy_file_name(name)) {
        paths.insert_or_assign(name, path);
      } else if (!is_leftover(name)) {
        problems.push_back({path,
                            std::nullopt,
                            {},
                            "got this file name, expected NN-name.json (two digits, a hyphen, "
                            "letters, digits, \"-\", \"_\" and \".\")"});
      }
    }
  }
  std::vector<std::string> files;
  files.reserve(paths.size());
  for (auto& [name, path] : paths) {
    files.push_back(std::move(path));
  }
  return files;
}

}  // namespace pmend
