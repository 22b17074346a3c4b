// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/base/ids.hpp"
#include "pmend/engine/case.hpp"
#include "pmend/engine/command.hpp"
#include "pmend/engine/device.hpp"
#include "pmend/engine/input.hpp"
#include "pmend/engine/job.hpp"
#include "pmend/policy/policy.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// What the engine remembers, shared by the files of this folder that each know one concern: detecting, observing,
// planning, deciding, repairing, operating, starting, recording. They change it only while an input is handled.
namespace pmend::engine {

inline constexpr std::uint64_t kMostAttempts = 3;             // jobs for one incident, until a person says retry
inline constexpr std::uint64_t kMostIndeterminate = 2;        // outcomes that nobody knows, then a person has to look
inline constexpr std::uint64_t kMostLooks = 3;                // observations in a row that lead nowhere
inline constexpr std::size_t kMostRangesPerObserve = 512;     // keeps the request within one message
inline constexpr std::size_t kMostIncidentsPerDevice = 4096;  // what is more becomes one that nobody looks into
inline constexpr std::size_t kMostPlansAsked = 16;            // more would only wait in the observer's queue
inline constexpr std::string_view kNotLookedAtYet = "not looked at since pmend was started";
inline constexpr std::chrono::seconds kInspectEvery{1};  // while a worker of a former pmend holds a lock
inline constexpr std::chrono::seconds kDecideEvery{60};  // where rules depend on the time of day

// How long to wait after the n-th failure in a row, n from 1.
std::chrono::seconds back_off(std::uint64_t failures);

// What has to wait until a record is durable.
struct StartRun {
  JobId job;
};
struct ProceedStep {
  JobId job;
  std::uint64_t index = 0;
};
struct ReleaseSpool {
  protocol::ReleaseRequest request;
};
using Deferred = std::variant<Command, StartRun, ProceedStep, ReleaseSpool>;

// A question to the observer and whom it is about.
struct Query {
  std::string device_id;
  std::vector<IncidentId> incidents;  // empty: a List
  std::uint64_t mounts_changes = 0;   // how many had been told when it was asked
};

// A repair that counts against the limits.
struct Spent {
  WallTime when;
  std::uint64_t bytes_lost = 0;
};

// A place in the queue: higher priorities first, then lower numbers.
using Turn = std::pair<std::int64_t, IncidentId>;

struct Core {
  // What the inputs told.
  SteadyTime steady;
  WallTime wall;
  std::optional<LocalTime> local;
  bool loaded = false;
  bool inspected = false;  // `foreign` is known
  bool paused = false;
  bool stopping = false;
  std::string ledger_failure;  // empty: the ledger works
  std::optional<Policy> policy;
  std::map<std::string, Device> devices;      // by device_id
  std::set<Lock> foreign;                     // held by workers that are not ours
  std::set<JobId> hanging;                    // jobs whose former worker was in the kernel at the last inspection
  std::map<std::string, JobId> ended_spools;  // spool keys of jobs that ended before this start

  // What came of it.
  std::map<IncidentId, Case> cases;
  std::map<JobId, Job> jobs;
  std::vector<Spent> spent;  // within the last day
  std::map<std::string, std::vector<WallTime>>
      fresh;  // by device_id: when incidents came up there, within the last hour
  std::set<IncidentId> to_plan;
  std::map<std::string, std::set<Turn>> queued;  // by device_id; the first has the next turn
  std::map<QueryId, Query> queries;
  std::set<std::pair<SteadyTime, IncidentId>> retries;
  std::optional<SteadyTime> inspect_at;
  std::optional<SteadyTime> decide_at;
  std::optional<SteadyTime> armed;
  std::uint64_t next_incident = 1;
  std::uint64_t next_job = 1;
  std::uint64_t next_query = 1;
  std::uint64_t mounts_changes = 0;  // told so far

  // What goes out: recording.hpp.
  Commands out;
  std::set<IncidentId> touched;
  std::vector<LedgerChange> changes;              // in the order that they were made; incidents come before all of them
  std::vector<Deferred> deferred;                 // until the record of this input is durable
  std::map<IncidentId, ledger::PutIncident> put;  // what was recorded last of each open incident
  std::map<std::uint64_t, std::vector<Deferred>> waiting;  // by seq
  std::uint64_t last_seq = 0;

  bool ready() const { return loaded && policy.has_value() && !stopping; }
  // May something be changed now? Looking is always allowed.
  bool may_act() const { return ready() && inspected && !paused && ledger_failure.empty(); }

  Case* find(IncidentId id);
  Case* find_by_query(QueryId id, IncidentId incident);  // only if it still waits for this answer
  Job* find(JobId id);
  Device* device_of(const Case& what);
  QueryId ask(std::string device_id, std::vector<IncidentId> incidents);
  // The question, once: a second answer finds nothing.
  std::optional<Query> answered(QueryId id);

  // Moves along the transition table; being there already changes only the reason.
  void move(Case& what, IncidentState to, std::string reason);
  void change(LedgerChange made) { changes.push_back(std::move(made)); }
  void log(log::Level level, std::string_view text, std::initializer_list<log::Field> fields);

  // Forgets what is planned and under way; from here on only what is asked anew counts.
  void reset(Case& what);
  // Looks at it again now: detected, or indeterminate where a job is open.
  void look_again(Case& what, std::string reason);
  // The same after a while; after kMostLooks it becomes unobservable until something changes.
  void look_later(Case& what, const std::string& reason);
  // Nobody can say whose it is. Files come and go while one looks.
  void leave_unresolved(Case& what, std::string reason);
  // What stands in the way may go by itself: after a while, kMostLooks times in a row.
  void look_again_a_few_times(Case& what);
  void retry_at(Case& what, std::optional<SteadyTime> when);
  // The end of an incident: repaired or cleared.
  void close(Case& what, IncidentState state, std::string reason);

  // The bad bytes of a case are now these; keeps range, sources and the index of its device right.
  void set_bad(Case& what, std::vector<ByteRange> bad);
  Case& add_case(Device& device, std::vector<ByteRange> bad);
  // Was its place repaired before?
  void note_recurrence(const Device& device, Case& what) const;
};

}  // namespace pmend::engine
