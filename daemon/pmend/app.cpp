// SPDX-License-Identifier: Apache-2.0
#include "pmend/app.hpp"

#include "cli/exit_code.hpp"
#include "loop/service_manager.hpp"
#include "pmend/base/boundary.hpp"
#include "pmend/executor.hpp"
#include "pmend/flight_dump.hpp"

#include <boost/asio/post.hpp>

#include <chrono>
#include <csignal>
#include <utility>
#include <variant>

namespace pmend::daemon {
namespace {

using std::chrono::seconds;

// A step that was begun is not broken off; what lasts longer is finished by the next start.
constexpr seconds kStopLimit{30};
constexpr seconds kStopObserverLimit{12};

std::vector<std::string> texts_of(const ConfigProblems& problems) {
  std::vector<std::string> texts;
  for (const ConfigProblem& problem : problems) {
    texts.push_back(problem.to_string());
  }
  return texts;
}

}  // namespace

cli::Parsed<std::unique_ptr<App>> App::make(const Options& options) {
  begin_boundaries("pmend");
  auto configuration = load_configuration(options);
  if (!configuration) {
    return tl::make_unexpected(std::move(configuration.error()));
  }
  std::unique_ptr<App> app(new App(options, std::move(*configuration)));
  if (auto exit = app->open_ledger_and_bus()) {
    return tl::make_unexpected(std::move(*exit));
  }
  return app;
}

App::App(const Options& options, Configuration configuration)
    : options_(options),
      log_(make_sink(options.log)),
      policy_(std::move(configuration.policy.policy)),
      policy_files_(std::move(configuration.policy.files)),
      signals_(io_, {SIGTERM, SIGINT, SIGHUP, SIGUSR1}, [this](int number) { on_signal(number); }),
      watchdog_(io_),
      stop_limit_(io_),
      driver_(io_, clock_, {[this](const engine::Command& command) { carry_out(command); }, [this] { settled(); }}),
      devices_({[this](const bus::DeviceView& view) { bus_->service().device(view); },
                [this](const std::string& device) { bus_->service().device_gone(device); }}),
      jobs_({io_,
             *log_,
             worker_place(options),
             [this](engine::Input input) { put(std::move(input)); },
             seconds(options.job_limit),
             {}}),
      observer_({io_, *log_, worker_place(options), [this](engine::Input input) { put(std::move(input)); },
                 [this] { driver_.wake(); }},
                std::move(configuration.watch)),
      scrubs_(observer_, *log_) {}

std::optional<cli::Exit> App::open_ledger_and_bus() {
  auto opened = open_ledger(options_, clock_.wall());
  if (!opened) {
    return std::move(opened.error());
  }
  recorder_ = std::make_unique<Recorder>(io_, std::move(opened->ledger), std::move(opened->reader),
                                         [this](engine::Input input) { put(std::move(input)); });
  auto face = BusFace::open(io_, options_.bus, *log_,
                            {driver_, *recorder_, observer_, scrubs_, devices_, policy_, [this] { return reload(); }},
                            [this](const std::string& why) { stop("the bus is lost: " + why, cli::kExitTaken); });
  if (!face) {
    return ended_by_bus(face.error());
  }
  bus_ = std::move(*face);
  driver_.put(engine::PolicyLoaded{policy_files_});
  driver_.put(engine::Loaded{std::move(opened->state)});
  // Shows what is open; whatever it starts is started by the loop.
  driver_.run();
  if (const Status claimed = bus_->service().claim_name(); !claimed) {
    return ended_by_bus(claimed.error());
  }
  return std::nullopt;
}

int App::run() {
  log_->write(log::make_record(log::Level::kInfo, "pmend is there: {RULES} rules, policy {HASH}",
                               {{"RULES", std::to_string(policy_.rules().size())}, {"HASH", policy_.hash()}}));
  observer_.start();
  watch_engine();
  loop::notify_ready(told_status_);
  io_.run();
  if (const Status written = recorder_->stop(); !written) {
    log_->write(log::make_record(log::Level::kError, "The ledger is not ended in order: {WHY}",
                                 {{"WHY", written.error().message()}}));
  }
  return exit_status_;
}

void App::put(engine::Input input) {
  devices_.note(input);
  scrubs_.note(input);
  driver_.put(std::move(input));
}

void App::carry_out(const engine::Command& command) {
  std::visit(Executor{observer_, jobs_, *recorder_, *bus_, *log_}, command);
}

void App::settled() {
  show_state();
  if (stopping_ && driver_.engine().may_exit()) {
    stop_observer();
  }
}

bus::ManagerState App::manager_state() const {
  const engine::EngineStatus status = driver_.engine().status();
  const auto state = recorder_->has_failed() ? bus::RunState::kReadOnly
                     : status.paused         ? bus::RunState::kPaused
                                             : bus::RunState::kRunning;
  return {state, status.why_not, observer_.observing(), policy_.hash(), problems_, status.storms, observer_.notices()};
}

void App::show_state() {
  bus::ManagerState state = manager_state();
  if (shown_ != state) {
    bus_->service().state(state);
    shown_ = std::move(state);
  }
  const engine::EngineStatus engine = driver_.engine().status();
  std::size_t open = 0;
  for (const auto& [incident_state, count] : engine.incidents) {
    open += incident_state == IncidentState::kDismissed ? 0 : count;
  }
  std::string text = std::to_string(open) + " open incidents, " + std::to_string(engine.jobs) + " being repaired" +
                     (engine.storms.empty() ? "" : "; errors spread on " + engine.storms.begin()->first) +
                     (engine.why_not.empty() ? "" : "; " + engine.why_not) +
                     (observer_.observing() ? "" : "; no observing worker");
  if (text != told_status_) {
    told_status_ = std::move(text);
    loop::notify_status(told_status_);
  }
}

void App::on_signal(int number) {
  switch (number) {
    case SIGHUP:
      reload();
      return;
    case SIGUSR1:
      dump();
      return;
    default:
      stop("told to", cli::kExitDone);
  }
}

std::vector<std::string> App::reload() {
  loop::notify_reloading();
  problems_.clear();
  if (auto watch = load_watch(options_)) {
    observer_.watch(std::move(*watch));
  } else {
    problems_ = texts_of(watch.error());
  }
  if (auto policy = load_policy_files(policy_directories(options_))) {
    policy_ = std::move(policy->policy);
    put(std::move(policy->files));
  } else {
    const auto more = texts_of(policy.error());
    problems_.insert(problems_.end(), more.begin(), more.end());
  }
  for (const std::string& problem : problems_) {
    log_->write(log::make_record(log::Level::kError, "Not in force: {PROBLEM}", {{"PROBLEM", problem}}));
  }
  if (problems_.empty()) {
    log_->write(log::make_record(log::Level::kNotice, "Configuration and policy are loaded anew, policy {HASH}",
                                 {{"HASH", policy_.hash()}}));
  }
  driver_.wake();  // shows what changed
  loop::notify_ready(told_status_);
  return problems_;
}

void App::dump() {
  const auto path = dump_flight(driver_.flight(), dump_directory(options_), clock_.wall());
  if (path) {
    log_->write(log::make_record(log::Level::kNotice, "The flight recorder is in {PATH}", {{"PATH", *path}}));
  } else {
    log_->write(log::make_record(log::Level::kError, "The flight recorder cannot be written: {WHY}",
                                 {{"WHY", path.error().message()}}));
  }
}

// The service manager hears of us when the engine has handled something, not when a timer ran.
void App::watch_engine() {
  const auto interval = loop::watchdog_interval();
  if (!interval) {
    return;
  }
  driver_.run();
  loop::notify_watchdog();
  watchdog_.set(*interval, [this] { watch_engine(); });
}

void App::stop(const std::string& why, int status) {
  if (std::exchange(stopping_, true)) {
    return;
  }
  exit_status_ = status;
  log_->write(log::make_record(log::Level::kNotice, "Stopping: {WHY}", {{"WHY", why}}));
  loop::notify_stopping("waiting for workers");
  stop_limit_.set(kStopLimit, [this] { stop_observer(); });
  put(engine::Shutdown{});
}

void App::stop_observer() {
  if (std::exchange(stopping_observer_, true)) {
    return;
  }
  stop_limit_.set(kStopObserverLimit, [this] { io_.stop(); });
  observer_.stop([this] { io_.stop(); });
}

}  // namespace pmend::daemon
