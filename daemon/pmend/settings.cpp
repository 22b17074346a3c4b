// SPDX-License-Identifier: Apache-2.0
#include "pmend/settings.hpp"

#include <cstdlib>
#include <string_view>
#include <utility>

namespace pmend::daemon {
client::WorkerPlace worker_place(const Options& options) {
  client::WorkerPlace place = client::worker_place(options.worker);
  if (!place.program.empty()) {
    place.arguments = {"--runtime-dir", options.runtime_dir,
                       "--spool-dir",   options.spool_dir,
                       "--state-dir",   options.state_dir,
                       "--config",      options.config,
                       "--sysfs",       options.sysfs,
                       "--log",         options.log == cli::LogTarget::kJournal ? "journal" : "stderr"};
  }
  return place;
}

std::vector<PolicyDirectory> policy_directories(const Options& options) {
  const bool named = options.policy_dirs != Options().policy_dirs;
  std::vector<PolicyDirectory> directories;
  for (const std::string& path : options.policy_dirs) {
    directories.push_back({path, named});
  }
  return directories;
}

tl::expected<protocol::WatchRequest, ConfigProblems> load_watch(const Options& options) {
  const bool named = options.config != Options().config;
  auto config = load_config(options.config, named ? IfMissing::kProblem : IfMissing::kDefaults);
  if (!config) {
    return tl::make_unexpected(std::move(config.error()));
  }
  return protocol::WatchRequest{config->auto_watch, std::move(config->devices)};
}

std::string dump_directory(const Options& options) {
  // Several directories are separated by colons; the first is ours.
  const char* const logs = std::getenv("LOGS_DIRECTORY");
  const std::string_view all = logs == nullptr ? "" : logs;
  const std::string_view first = all.substr(0, all.find(':'));
  return first.empty() ? options.state_dir : std::string(first);
}

}  // namespace pmend::daemon
