// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/command.hpp"
#include "pmend/engine/input.hpp"
#include "pmend/engine/job.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace pmend::engine {

// Looks at what goes into an engine and what comes out, knows nothing of how it works, and says what must never be. It
// outlives engines: what was durable is durable for the next one.
class Watcher {
 public:
  // What is wrong with these commands, empty if nothing.
  std::string look(const Input& input, const Commands& commands);
  // The engine was killed and the workers with it; the ledger has what was durable.
  void engine_killed();

 private:
  struct Begun {
    ledger::BeginJob begin;
    std::uint64_t seq = 0;
    bool ended = false;
    std::uint64_t end_seq = 0;
  };

  void hear(const Input& input);
  void hear_policy(const PolicyLoaded& input);
  std::string say(const Command& command);
  std::string say(const Record& command);
  std::string say(const RunJob& command);
  std::string say(const Proceed& command);
  std::string say(const Release& command);
  std::string say(const Publish& command);
  std::string say(const AskPlan& command);
  std::string say(const auto& /*command*/) { return ""; }
  void remember(const LedgerChange& change, std::uint64_t seq);
  bool is_durable(std::uint64_t seq) const { return seq != 0 && seq <= durable_; }

  std::string policy_hash_;
  bool failed_ = false;
  bool paused_ = false;
  bool stopping_ = false;
  std::uint64_t last_seq_ = 0;
  std::uint64_t durable_ = 0;
  std::set<IncidentId> incidents_;
  std::map<IncidentId, Decision> decisions_;
  std::map<IncidentId, Approval> approvals_;
  std::map<JobId, Begun> jobs_;
  std::map<std::pair<JobId, std::uint64_t>, std::uint64_t> intents_;  // seq
  std::map<JobId, std::set<Lock>> alive_;                             // workers
};

}  // namespace pmend::engine
