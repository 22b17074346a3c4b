// SPDX-License-Identifier: Apache-2.0
#include "pmend/options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace pmend::daemon {
namespace {

constexpr std::string_view kProgram = "pmend";

void add_places(CLI::App& app, Options& options) {
  cli::add_text_option(app, "--config", options.config, "FILE", "The configuration file");
  app.add_option("--policy-dir", options.policy_dirs, "A directory of policy files; repeatable, replaces the defaults")
      ->type_name("DIR")
      ->allow_extra_args(false)
      ->capture_default_str();
  cli::add_text_option(app, "--state-dir", options.state_dir, "DIR", "Where the ledger lies");
  cli::add_text_option(app, "--spool-dir", options.spool_dir, "DIR",
                       "Where a worker that pmend starts keeps rebuilt units");
  cli::add_text_option(app, "--runtime-dir", options.runtime_dir, "DIR", "Where locks and markers lie");
  cli::add_text_option(app, "--sysfs", options.sysfs, "ROOT", "The sysfs tree to read");
}

bool is_empty(const std::string& text) {
  return text.empty();
}

}  // namespace

cli::Parsed<Options> parse_options(std::vector<std::string> args) {
  Options options;
  CLI::App app("Watches persistent memory for media errors, and decides, records and reports their repair.");
  cli::prepare(app, kProgram);
  add_places(app, options);
  cli::add_bus_option(app, options.bus);
  cli::add_text_option(app, "--worker", options.worker, "PATH|unix:SOCKET", "The worker to start, or to connect to");
  app.add_option("--job-limit", options.job_limit, "How long a repair may take before its worker counts as hung")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  cli::add_log_option(app, options.log);
  app.add_flag("--check-config", options.check_config, "Check configuration and policy, print every problem, and exit");
  if (auto parsed = cli::parse(app, std::move(args)); !parsed) {
    return tl::make_unexpected(std::move(parsed.error()));
  }
  if (std::any_of(options.policy_dirs.begin(), options.policy_dirs.end(), is_empty)) {
    return cli::usage_error(kProgram, "--policy-dir: is empty");
  }
  if (options.worker == "unix:") {
    return cli::usage_error(kProgram, "--worker: unix: names no socket");
  }
  return options;
}

}  // namespace pmend::daemon
