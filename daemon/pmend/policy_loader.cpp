// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy_loader.hpp"

#include "pmend/policy/policy_file_names.hpp"

#include <iterator>
#include <utility>

namespace pmend::daemon {

tl::expected<PolicyInForce, ConfigProblems> load_policy_files(const std::vector<PolicyDirectory>& directories) {
  ConfigProblems problems;
  std::vector<SourceText> sources;
  for (const std::string& path : policy_files(directories, problems)) {
    auto source = read_source(path);
    if (!source) {
      problems.push_back(std::move(source.error()));
    } else if (source->has_value()) {  // else it masks
      sources.push_back(std::move(**source));
    }
  }
  auto policy = parse_policy(sources);
  if (!policy) {
    std::move(policy.error().begin(), policy.error().end(), std::back_inserter(problems));
  }
  if (!problems.empty()) {
    return tl::make_unexpected(std::move(problems));
  }
  PolicyInForce loaded{std::move(*policy), {}};
  for (SourceText& source : sources) {
    loaded.files.files.push_back({std::move(source.file), std::move(source.text)});
  }
  return loaded;
}

}  // namespace pmend::daemon
