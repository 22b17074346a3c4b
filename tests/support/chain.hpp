// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"
#include "support/world.hpp"

#include <nlohmann/json.hpp>

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pmend::world {

// One policy file: its name below policy.d, and its text.
struct PolicyFile {
  std::string name;
  std::string text;
};

// The rule that ships with pmend.
PolicyFile default_policy();
// Repairs every file whatever is lost, without a person or a limit: for tests of what follows.
PolicyFile repair_all_policy();

// Where pmend gets the bad sectors of the worlds' devices from.
enum class Lists {
  kOfMedium,  // a list file, the medium's
  kOwn,       // nowhere: it keeps a list of what it finds by reading
};

// What the reports of one device's closed incidents say.
struct Reported {
  RangeSet lost;                   // of the device
  std::vector<ByteRange> written;  // units
};

// The whole of pmend beside one or more worlds, as a user runs it: a private bus, the workers as root behind a
// listening socket, pmend as an unprivileged user (uid 65534). Looks and steers through `pmendctl --json`, like a user.
// Whatever happens, no process outlives it.
class Chain {
 public:
  // Starts nothing. Throws Failure, as all functions here do.
  Chain(const std::vector<World*>& worlds, const std::vector<PolicyFile>& policy, Lists lists = Lists::kOfMedium);
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
  ~Chain();

  // Bus, workers and pmend; returns when pmend answers.
  void start();
  // The environment of the workers ("NAME=value") is that of all that they start.
  void start_workers(const std::vector<std::string>& environment = {});
  // Before the start: these members of pmend.json.
  void set_config(const nlohmann::json& members) const;
  // For every start of pmend from here on, e.g. {"--job-limit", "2"}.
  void set_pmend_options(Arguments options) { pmend_options_ = std::move(options); }
  // Returns when it answers, or at once.
  enum class Wait { kNo, kUntilItAnswers };
  void start_pmend(const std::vector<std::string>& environment = {}, Wait wait = Wait::kUntilItAnswers);

  Child& pmend() { return pmend_; }
  // The listener and, beside it, one process for each connection.
  Child& listener() { return listener_; }
  // All processes of the workers, the listener among them.
  std::vector<pid_t> worker_processes() const;
  // SIGKILL to all workers, without waiting for their end.
  void kill_workers();

  // `pmendctl --json ARGUMENTS` as a value; throws Failure with what it printed if it fails.
  nlohmann::json ctl(const Arguments& arguments) const;
  CommandResult try_ctl(const Arguments& arguments) const;
  // Until the device is watched and its list is known to be complete.
  void wait_for_device(const std::string& device) const;
  // Of all incidents, closed ones too, by id.
  std::vector<nlohmann::json> incidents() const;
  // The first for which this holds, looked for until `limit`; throws Failure with what there is.
  nlohmann::json wait_for(const std::function<bool(const nlohmann::json&)>& wanted,
                          std::chrono::milliseconds limit) const;
  // The incident about this range of this device, once it has this state.
  nlohmann::json wait_for_state(const std::string& device, const ByteRange& range, const std::string& state,
                                std::chrono::milliseconds limit = std::chrono::seconds(20)) const;

  // Until incidents with one of these states hold all of `ranges` of the device.
  void wait_until_all(const std::string& device, const RangeSet& ranges, const std::set<std::string>& states,
                      std::chrono::milliseconds limit) const;

  // Of all repaired incidents of the device.
  Reported reported(const std::string& device) const;

  std::string directory() const { return directory_.path(); }
  std::string bus_address() const { return "unix:path=" + directory_ / "bus"; }
  std::string spool_directory() const { return directory_ / "spool"; }
  std::string suspect_directory() const { return directory_ / "suspects"; }
  std::string state_directory() const { return directory_ / "state"; }
  // What they have said so far.
  std::string pmend_log() const;
  std::string worker_log() const;

 private:
  const nlohmann::json& report_of(std::uint64_t incident) const;
  void write_files(const std::vector<World*>& worlds, const std::vector<PolicyFile>& policy, Lists lists) const;
  void start_bus();
  void wait_for_socket(const std::string& path) const;

  TempDir directory_;
  Arguments pmend_options_;
  Child bus_;
  Child listener_;
  Child pmend_;
  mutable std::map<std::uint64_t, nlohmann::json> reports_;  // those that were asked for
};

// Where the incident lies on its device.
ByteRange range_of(const nlohmann::json& incident);

}  // namespace pmend::world
