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

// A repair that was proven. A ledger has as many as there ever were, so they are small.
struct PastRepair {
  ByteRange device_range;
  WallTime proven;            // whole seconds
  std::uint64_t repairs = 0;  // of this place so far, this one with them
  std::uint64_t seen = 0;     // Incident::seen

  friend bool operator==(const PastRepair&, const PastRepair&) = default;
};
struct PastRepairsOfDevice {
  std::string device_id;
  std::vector<PastRepair> repairs;  // by offset

  friend bool operator==(const PastRepairsOfDevice&, const PastRepairsOfDevice&) = default;
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
  std::vector<PastRepairsOfDevice> past;             // all there were, by device_id

  friend bool operator==(const LedgerState&, const LedgerState&) = default;
};

Json to_json(const LedgerJob& job);
void read_json(const JsonReader& in, LedgerJob& job);
// {"device_id": …, "repairs": [[offset, length, "proven", repairs, seen], …]}
Json to_json(const PastRepairsOfDevice& past);
void read_json(const JsonReader& in, PastRepairsOfDevice& past);
Json to_json(const LedgerState& state);
void read_json(const JsonReader& in, LedgerState& state);

}  // namespace pmend
