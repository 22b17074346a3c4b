// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/ledger/ledger.hpp"

#include <filesystem>
#include <string>
#include <vector>

// What the ledger's tests share.
namespace pmend {

// A state directory of its own, removed at the end.
class LedgerDir {
 public:
  LedgerDir();
  LedgerDir(LedgerDir&&) = delete;
  LedgerDir& operator=(LedgerDir&&) = delete;
  ~LedgerDir();

  const std::filesystem::path& path() const { return path_; }
  std::string file() const { return path_ / "ledger.db"; }
  Result<Ledger> open() const;
  // The error of open(), "opened" if there is none.
  std::string error_of_open() const;
  // Runs SQL on the closed ledger as a stranger would, past all checks.
  void tamper(const std::string& sql) const;

 private:
  std::filesystem::path path_;
};

// Incident 7 of the model's samples under another number.
ledger::PutIncident an_incident(std::uint64_t id, IncidentState state = IncidentState::kHeld);
// With its right hash; plans of one incident with different `rule` are different plans.
ledger::PutPlan a_plan(std::uint64_t incident, const std::string& rule = "rest");
ledger::PutApproval an_approval(const ledger::PutPlan& plan);
ledger::BeginJob a_job(std::uint64_t job, const ledger::PutPlan& plan);
Step an_intent(std::uint64_t job, std::uint64_t index = 0);
Step ended(Step step, Outcome outcome = Outcome::kSucceeded);
ledger::EndJob an_end(std::uint64_t job, Outcome outcome = Outcome::kSucceeded);
ledger::Audit a_line(std::uint64_t incident, const std::string& text);

// Applies one record after the last; its error.
Status put(Ledger& ledger, std::vector<LedgerChange> changes);
LedgerState load(Ledger& ledger, const LoadOptions& options = {});

// A history of `count` records, from 1, in which every kind of change comes up and jobs are cut off in all places.
std::vector<LedgerRecord> a_story(std::uint64_t count);
// What a ledger holds after the first 0, 1, … records of `story`, all jobs included.
std::vector<LedgerState> states_of(const std::vector<LedgerRecord>& story);
// What is in the ledger of `dir` now, made comparable with states_of().
Result<LedgerState> state_in(const LedgerDir& dir);

}  // namespace pmend
