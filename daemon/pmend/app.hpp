// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/parse.hpp"
#include "loop/deadline.hpp"
#include "loop/signals.hpp"
#include "pmend/base/clock.hpp"
#include "pmend/base/log.hpp"
#include "pmend/bus_face.hpp"
#include "pmend/device_views.hpp"
#include "pmend/engine_driver.hpp"
#include "pmend/job_runner.hpp"
#include "pmend/observer_client.hpp"
#include "pmend/policy_loader.hpp"
#include "pmend/recorder.hpp"
#include "pmend/scrubs.hpp"
#include "pmend/startup.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pmend::daemon {

// The whole of pmend: makes the parts, connects them, and ends them in order.
class App {
 public:
  // Reads, opens and claims all that pmend needs. No worker is started yet.
  static cli::Parsed<std::unique_ptr<App>> make(const Options& options);

  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // Until it is told to stop. Returns the exit status.
  int run();

 private:
  App(const Options& options, Configuration configuration);

  std::optional<cli::Exit> open_ledger_and_bus();

  void put(engine::Input input);
  void carry_out(const engine::Command& command);
  void settled();
  void show_state();
  bus::ManagerState manager_state() const;

  void on_signal(int number);
  std::vector<std::string> reload();
  void dump();
  void watch_engine();

  void stop(const std::string& why, int status);
  void stop_observer();

  Options options_;
  std::unique_ptr<log::Sink> log_;
  SystemClock clock_;
  Policy policy_;
  engine::PolicyLoaded policy_files_;
  std::vector<std::string> problems_;  // of the files that are not in force
  bool stopping_ = false;
  bool stopping_observer_ = false;
  int exit_status_ = 0;
  std::optional<bus::ManagerState> shown_;
  std::string told_status_;  // to the service manager

  // From here on destroyed from the last to the first; what puts inputs goes before who takes them.
  boost::asio::io_context io_{1};
  loop::Signals signals_;  // before any thread, which inherits what is blocked
  loop::Deadline watchdog_;
  loop::Deadline stop_limit_;
  EngineDriver driver_;
  DeviceViews devices_;
  JobRunner jobs_;
  ObserverClient observer_;
  Scrubs scrubs_;
  std::unique_ptr<Recorder> recorder_;  // its thread posts into the loop; stopped before the loop goes
  std::unique_ptr<BusFace> bus_;        // asks all others
};

}  // namespace pmend::daemon
