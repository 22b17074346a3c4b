// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/parse.hpp"
#include "pmend/base/clock.hpp"
#include "pmend/base/log.hpp"
#include "pmend/ledger/ledger.hpp"
#include "pmend/policy_loader.hpp"
#include "pmend/settings.hpp"

#include <memory>
#include <string>

// What a start needs before anything runs. Each part fails with the exit status and the text that pmend ends with.
namespace pmend::daemon {

// What files say.
struct Configuration {
  protocol::WatchRequest watch;
  PolicyInForce policy;
};
cli::Parsed<Configuration> load_configuration(const Options& options);

// For --check-config.
cli::Exit check_configuration(const Options& options);

struct OpenLedger {
  Ledger ledger;
  LedgerReader reader;
  LedgerState state;  // as it was left
};
cli::Parsed<OpenLedger> open_ledger(const Options& options, WallTime now);

std::unique_ptr<log::Sink> make_sink(cli::LogTarget target);

// "pmend: TEXT"
cli::Exit ended(int status, const std::string& text);
// Of an error of the bus.
cli::Exit ended_by_bus(const Error& error);

}  // namespace pmend::daemon
