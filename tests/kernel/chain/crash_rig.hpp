// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernel/mutation.hpp"
#include "pmend/base/unique_fd.hpp"
#include "support/chain.hpp"

#include <nlohmann/json.hpp>

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace pmend::world {

// kInUse: cold, and somebody has the file open.
enum class Cache { kCold, kWarm, kInUse };

// What is repaired how: what is cached is written again from the cache; what is not is lost and zeroed, of a file in
// use under a freeze or, where the file system has that, by an exchange.
struct Kind {
  FsType fs = FsType::kXfs;
  Cache cache = Cache::kCold;
  bool exchange = false;
};
std::string name_of(const Kind& kind);
// Repairs everything in that way.
PolicyFile policy_of(const Kind& kind);

// PMEND_LONG=1: every combination instead of one for each case.
bool is_long();

// One world and all of pmend beside it, for many runs: each poisons a victim file of its own while pmend is down,
// starts pmend, and stops one of its processes at one boundary (base/boundary.hpp).
class CrashRig {
 public:
  // The roles that processes name: "pmend" and "ledger" are threads of one, "observe" and "repair" are workers, "guard"
  // and "writer" are what a repairing one has for a freeze.
  struct StopAt {
    std::string role;
    int number = 0;  // 0: nowhere
  };

  CrashRig(const Kind& kind, int victims);

  World& world() { return world_; }
  Chain& chain() { return chain_; }
  const Kind& kind() const { return kind_; }

  // The next victim that no run has had, poisoned while pmend runs on. Throws Failure if there is none left.
  FileModel& poison_one_more();
  // The same while pmend is down, so that it finds the error when it starts.
  FileModel& poison_next();
  // Everything is killed and started anew, without waiting for anything.
  void start(const StopAt& stop_at);
  // The process that has stopped itself; nothing if the victim's incident came to rest and all became quiet without
  // that. Throws Failure after a while.
  std::optional<pid_t> wait_for_stop(const FileModel& file);
  // The boundaries that a role passed since start(), by number; of several processes, any one's.
  std::map<int, std::string> passed(const std::string& role) const;

  // SIGKILL to processes by role, in any order: also "listener". Then the rest goes on.
  void kill_and_go_on(const std::set<std::string>& roles, std::optional<pid_t> stopped);
  // Starts again what is dead and must not be, as a service manager would.
  void supervise();
  int restarts() const { return restarts_; }

  // The incidents about a victim's bad sector, as pmend shows them now; nothing if it does not answer.
  std::optional<std::vector<nlohmann::json>> incidents_of(const FileModel& file) const;
  // Supervises until the victim has such an incident. Throws Failure with all that was said.
  nlohmann::json wait_for(const FileModel& file, const std::function<bool(const nlohmann::json&)>& wanted,
                          std::chrono::milliseconds limit);
  // True if the victim's cached page was dropped by the machine before it could be used: some reclaim cold pages all
  // the time. Such a run shows something else than it was made for. Fails the test if it happens too often to be
  // believed.
  bool was_evicted(const nlohmann::json& incident);
  // The bytes that the reports of an incident call lost.
  std::uint64_t reported_loss(const nlohmann::json& incident) const;
  // What the ledger has begun for this incident and not ended, for people; empty if there is nothing.
  std::string open_jobs(const nlohmann::json& incident) const;
  // What is left of spools once all is quiet; empties itself soon after the last repair.
  std::vector<std::string> spools_left();

  std::string everything_said() const;

 private:
  static WorldOptions options(const Kind& kind);
  std::string log_path() const { return chain_.directory() + "/boundaries/log"; }
  std::string token_path() const { return chain_.directory() + "/boundaries/token"; }
  // Processes that have named this role and are still there.
  std::vector<pid_t> processes_of(const std::string& role) const;
  std::optional<pid_t> find_stopped() const;
  // It has an incident, and none that pmend is about to do something with.
  bool is_at_rest(const FileModel& file) const;

  Kind kind_;
  World world_;
  Chain chain_;
  int evictions_ = 0;
  std::vector<std::string> environment_;
  std::vector<UniqueFd> users_;
  int used_ = 0;
  int victims_;
  int restarts_ = 0;
};

}  // namespace pmend::world
