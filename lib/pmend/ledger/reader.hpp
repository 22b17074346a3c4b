// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/ledger/sqlite.hpp"
#include "pmend/ledger/state.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pmend {

struct LoadOptions {
  std::size_t finished_limit = 1000;   // how many of the latest finished incidents come along
  std::optional<WallTime> jobs_since;  // jobs that ended come along if they began no earlier, for budgets
};

// Which incidents to list; an empty filter means all.
struct IncidentFilter {
  std::vector<IncidentState> states;     // any of these, empty: any
  std::optional<std::string> device_id;  // on this device
};

struct IncidentPage {
  std::vector<Incident> incidents;  // by id
  std::optional<IncidentId> next;   // there are more: ask again with it as `after`
};

// All that is known of one incident.
struct IncidentDetail {
  ledger::PutIncident incident;
  std::optional<ledger::PutPlan> plan;  // the current one
  std::optional<ledger::PutDecision> decision;
  std::optional<ledger::PutApproval> approval;
  std::vector<LedgerJob> jobs;  // by id
};

struct HistoryLine {
  std::uint64_t number = 0;  // rises by age
  std::uint64_t seq = 0;     // of the record that it came with
  ledger::Audit audit;
};

// Reads what is durable, through a connection of its own: it goes on after the writing one has failed. Used by one
// thread at a time.
//
// Errors of all functions: those of ledger::Sqlite; kCorrupt, naming the row, for a row that is not what was put in.
// Such a row is never skipped.
class LedgerReader {
 public:
  static Result<LedgerReader> open(const std::string& ledger_path);

  // Everything that is needed to go on after a start; clean_shutdown and previous_boot_id are left to Ledger::load().
  Result<LedgerState> load(const LoadOptions& options);

  // At most `limit` incidents whose id is higher than `after`.
  Result<IncidentPage> list(const IncidentFilter& filter, IncidentId after, std::size_t limit);
  // Nothing if there is none with this id.
  Result<std::optional<IncidentDetail>> incident(IncidentId id);
  // Of one incident, or of everything; at most `limit` lines with a number higher than `after`, by number.
  Result<std::vector<HistoryLine>> history(std::optional<IncidentId> incident, std::uint64_t after, std::size_t limit);
  // Incidents by which files of a device are in danger: those that are not finished, and those that were repaired where
  // a repair had been proven before. At most `limit`, whose id is higher than `after`.
  Result<IncidentPage> endangering(const std::string& device_id, IncidentId after, std::size_t limit);
  // The proven repairs that overlap `device_range`, of incidents before this one, the latest first, at most `limit`.
  struct Place {
    std::string device_id;
    ByteRange device_range;
    IncidentId before;
  };
  Result<std::vector<EarlierRepair>> earlier(const Place& place, std::size_t limit);
  // One for each time it came to an end, the latest last.
  Result<std::vector<ledger::PutReport>> reports(IncidentId incident);

 private:
  explicit LedgerReader(ledger::Sqlite database) : database_(std::move(database)) {}

  Status load_meta(LedgerState& state);

  ledger::Sqlite database_;
};

}  // namespace pmend
