// SPDX-License-Identifier: Apache-2.0
#include "pmend/startup.hpp"

#include "cli/exit_code.hpp"
#include "loop/journal_sink.hpp"
#include "pmend/base/unique_fd.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <utility>

namespace pmend::daemon {
namespace {

tl::unexpected<cli::Exit> end(int status, const std::string& text) {
  return tl::make_unexpected(ended(status, text));
}

// A damaged ledger is nobody's configuration, but a person has to look before anything is written there.
int status_of(const Error& error) {
  if (error.is(Errc::kRefused)) {
    return cli::kExitTaken;
  }
  return error.is(Errc::kInternal) ? cli::kExitInternal : cli::kExitConfig;
}

Result<std::string> boot_id() {
  auto text = read_text_file("/proc/sys/kernel/random/boot_id");
  if (text) {
    text->erase(text->find_last_not_of('\n') + 1);
  }
  return text;
}

Result<OpenLedger> open_all(const Options& options, WallTime now) {
  auto boot = boot_id();
  if (!boot) {
    return tl::make_unexpected(std::move(boot.error()));
  }
  auto ledger = Ledger::open({options.state_dir, std::move(*boot)});
  if (!ledger) {
    return tl::make_unexpected(std::move(ledger.error()));
  }
  // What was repaired within a day counts against the limits.
  auto state = ledger->load({.jobs_since = now - std::chrono::hours(24)});
  if (!state) {
    return tl::make_unexpected(std::move(state.error()));
  }
  auto reader = ledger->open_reader();
  if (!reader) {
    return tl::make_unexpected(std::move(reader.error()));
  }
  return OpenLedger{std::move(*ledger), std::move(*reader), std::move(*state)};
}

}  // namespace

cli::Exit ended(int status, const std::string& text) {
  return {status, "", "pmend: " + text + "\n"};
}

cli::Exit ended_by_bus(const Error& error) {
  if (error.is_errno(EEXIST)) {
    return ended(cli::kExitTaken, "another pmend has the name on the bus: " + error.message());
  }
  // Who may have the name is configuration; a bus that is not there may come.
  return ended(error.is_errno(EACCES) ? cli::kExitConfig : cli::kExitTaken, error.message());
}

cli::Parsed<Configuration> load_configuration(const Options& options) {
  auto watch = load_watch(options);
  auto policy = load_policy_files(policy_directories(options));
  if (watch && policy) {
    return Configuration{std::move(*watch), std::move(*policy)};
  }
  ConfigProblems problems = watch ? ConfigProblems() : std::move(watch.error());
  if (!policy) {
    problems.insert(problems.end(), policy.error().begin(), policy.error().end());
  }
  return tl::make_unexpected(cli::Exit{cli::kExitConfig, "", to_string(problems)});
}

cli::Exit check_configuration(const Options& options) {
  const auto configuration = load_configuration(options);
  if (!configuration) {
    return configuration.error();
  }
  return {cli::kExitDone,
          "pmend: configuration and policy are well: " + std::to_string(configuration->policy.policy.rules().size()) +
              " rules from " + std::to_string(configuration->policy.files.files.size()) + " files\n",
          ""};
}

cli::Parsed<OpenLedger> open_ledger(const Options& options, WallTime now) {
  auto opened = open_all(options, now);
  if (!opened) {
    return end(status_of(opened.error()), "the ledger cannot be used: " + opened.error().message());
  }
  return std::move(*opened);
}

std::unique_ptr<log::Sink> make_sink(cli::LogTarget target) {
  if (target == cli::LogTarget::kJournal) {
    return std::make_unique<loop::JournalSink>();
  }
  // Set where stderr goes to the journal, which reads levels.
  const bool plain = std::getenv("JOURNAL_STREAM") == nullptr;
  return std::make_unique<log::StderrSink>(plain);
}

}  // namespace pmend::daemon
