// SPDX-License-Identifier: Apache-2.0
#include "worker/options.hpp"

#include <CLI/CLI.hpp>

#include <string_view>
#include <utility>

namespace pmend::worker {
namespace {

constexpr std::string_view kProgram = "pmend-worker";

}  // namespace

cli::Parsed<Options> parse_options(std::vector<std::string> args) {
  Options options;
  CLI::App app("Reads and repairs media for pmend. Started by pmend or by systemd, not by hand.");
  cli::prepare(app, kProgram);
  const auto* observe = app.add_subcommand("observe", "Watch, map and plan; changes nothing");
  const auto* repair = app.add_subcommand("repair", "Carry out one job and exit");
  const auto* guard = app.add_subcommand("guard", "Freeze a file system for a repairing worker, thaw it and exit");
  app.require_subcommand(0, 1);
  const auto* listen = cli::add_text_option(app, "--listen", options.socket, "SOCKET", "Serve connections on a socket");
  app.add_option("--fd", options.fd, "The connected socket, of observe, repair and guard")
      ->type_name("N")
      ->check(CLI::Range(0, 1 << 20));
  cli::add_text_option(app, "--config", options.config, "FILE", "Which devices have a list file; missing: none");
  cli::add_text_option(app, "--spool-dir", options.spool_dir, "DIR", "Where rebuilt units lie until they are written");
  cli::add_text_option(app, "--state-dir", options.state_dir, "DIR", "Where pmend remembers: never frozen");
  cli::add_text_option(app, "--guard", options.guard, "unix:SOCKET", "Guards of freezes; default: started when needed");
  cli::add_text_option(app, "--runtime-dir", options.runtime_dir, "DIR", "Where locks and markers lie");
  cli::add_text_option(app, "--sysfs", options.sysfs, "ROOT", "The sysfs tree to read");
  cli::add_log_option(app, options.log);
  if (auto parsed = cli::parse(app, std::move(args)); !parsed) {
    return tl::make_unexpected(std::move(parsed.error()));
  }
  if (observe->parsed() + repair->parsed() + guard->parsed() + (listen->count() > 0) != 1) {
    return cli::usage_error(kProgram, "one of observe, repair, guard and --listen SOCKET is needed");
  }
  if (listen->count() == 0 && options.fd < 0) {
    return cli::usage_error(kProgram, "observe, repair and guard need --fd N: they are started, not called");
  }
  if (!options.guard.empty() && !options.guard.starts_with("unix:")) {
    return cli::usage_error(kProgram, "--guard: expected unix:SOCKET");
  }
  options.role = observe->parsed()  ? Role::kObserve
                 : repair->parsed() ? Role::kRepair
                 : guard->parsed()  ? Role::kGuard
                                    : Role::kListen;
  return options;
}

}  // namespace pmend::worker
