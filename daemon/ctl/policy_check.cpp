// SPDX-License-Identifier: Apache-2.0
#include "ctl/policy_check.hpp"

#include "ctl/text.hpp"
#include "pmend/policy/load.hpp"

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <system_error>
#include <utility>

namespace pmend::ctl {
namespace {

using Json = nlohmann::json;
using Checked = tl::expected<Policy, ConfigProblems>;

bool is_directory(const std::string& path) {
  std::error_code ignored;  // what cannot be looked at is reported when it is read
  return std::filesystem::is_directory(path, ignored);
}

Checked check_directories(const std::vector<std::string>& paths) {
  std::vector<PolicyDirectory> directories;
  directories.reserve(paths.size());
  for (const std::string& path : paths) {
    directories.push_back({.path = path, .required = true});
  }
  return load_policy(paths.empty() ? default_policy_directories() : directories);
}

Checked check_files(const std::vector<std::string>& paths) {
  std::vector<SourceText> sources;
  ConfigProblems problems;
  for (const std::string& path : paths) {
    auto source = read_source(path);
    if (!source) {
      problems.push_back(source.error());
    } else if (*source) {
      sources.push_back(std::move(**source));
    }
  }
  auto checked = parse_policy(sources);
  if (!checked) {
    problems.insert(problems.end(), checked.error().begin(), checked.error().end());
  }
  return problems.empty() ? std::move(checked) : tl::make_unexpected(std::move(problems));
}

Json to_json(const ConfigProblem& problem) {
  Json json = {{"file", safe_line(problem.file)}, {"pointer", problem.pointer}, {"message", problem.message}};
  if (problem.place) {
    json.emplace("line", problem.place->line);
    json.emplace("column", problem.place->column);
  }
  return json;
}

void print(const Console& console, bool as_json, const ConfigProblems& problems) {
  Json list = Json::array();
  for (const ConfigProblem& problem : problems) {
    if (as_json) {
      list.push_back(to_json(problem));
    } else {
      console.out << safe_line(problem.to_string()) << '\n';
    }
  }
  if (as_json) {
    print_json(console.out, {{"problems", list}});
  }
}

}  // namespace

int check_policy(const Options& options, const Console& console) {
  const auto directories = std::count_if(options.files.begin(), options.files.end(), is_directory);
  const bool all = static_cast<std::size_t>(directories) == options.files.size();
  if (!all && directories != 0) {
    return tell(console, {cli::kExitUsage, "policy check: takes either directories or files"});
  }
  const Checked checked = all ? check_directories(options.files) : check_files(options.files);
  print(console, options.json, checked ? ConfigProblems() : checked.error());
  if (!checked) {
    return tell(console, {kExitFailed, "policy check: " + count(checked.error().size(), "problem")});
  }
  console.err << count(checked->rules().size(), "rule") << ", no problem.\n";
  return cli::kExitDone;
}

}  // namespace pmend::ctl
