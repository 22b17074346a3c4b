// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/ledger/record.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What the ledger gives back: the values that were put in, joined. With a JSON form, because the first input of the
// engine is a LedgerState.
namespace pmend {

// A job with its steps in order of their index.
struct LedgerJob {
  ledger::BeginJob begin;
  std::optional<ledger::EndJob> end;
  std::vector<Step> steps;

  // The intent whose outcome nobody knows, nothing if there is none. A worker takes its steps one by one.
  const Step* open_intent() const;

  friend bool operator==(const LedgerJob&, const LedgerJob&) = default;
};

// Everything that is needed to go on after a start.
struct LedgerState {
  std::uint64_t last_seq = 0;    // of the last record, 0 if there is none
  IncidentId next_incident{1};   // never used before
  JobId next_job{1};             // never used before
  bool clean_shutdown = true;    // the last pmend that had the ledger ended it in order (also: there was none)
  std::string previous_boot_id;  // at the last start, empty if there was none
  bool paused = false;

  std::vector<ledger::PutIncident> incidents;  // by id: all that are not is_finished(), and the latest of the others
  std::vector<ledger::PutPlan> plans;          // of these that are not finished, the current one last
  std::vector<ledger::PutApproval> approvals;  // of these that are not finished; check the hash
  std::vector<LedgerJob> jobs;                 // with an open intent first, then others that did not end, then ended
  std::vector<ledger::PutDevice> devices;      // by device_id
  std::vector<ledger::PutMediaErrors> media_errors;  // by device_id and source

  friend bool operator==(const LedgerState&, const LedgerState&) = default;
};

Json to_json(const LedgerJob& job);
void read_json(const JsonReader& in, LedgerJob& job);
Json to_json(const LedgerState& state);
void read_json(const JsonReader& in, LedgerState& state);

}  // namespace pmend
