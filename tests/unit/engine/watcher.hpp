// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range_set.hpp"
#include "pmend/engine/command.hpp"
#include "pmend/engine/input.hpp"
#include "pmend/engine/job.hpp"
#include "pmend/policy/policy.hpp"

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

  RangeSet phantoms;  // what lies there is one

 private:
  struct Begun {
    ledger::BeginJob begin;
    std::uint64_t seq = 0;
    bool ended = false;
    std::uint64_t end_seq = 0;
  };

  // An incident as it was recorded last, and when it came up.
  struct Seen {
    std::vector<ByteRange> bad;
    WallTime when;
    std::uint64_t seq = 0;  // of the record that brought it
  };
  struct Tripped {
    WallTime when;
    std::uint64_t limit = 0;
    std::uint64_t seq = 0;
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
  void remember(const ledger::PutIncident& put, std::uint64_t seq);
  void count_fresh(std::uint64_t seq);
  std::string say_of_unasked(const Begun& begun, const Approval* approval) const;
  bool names(const std::string& rule, FlagKey key) const;
  bool is_durable(std::uint64_t seq) const { return seq != 0 && seq <= durable_; }

  std::optional<Policy> policy_;
  WallTime wall_;
  WallTime counted_from_;
  std::optional<Tripped> tripped_;
  std::vector<std::pair<std::uint64_t, ByteRange>> repaired_;  // proven, with the seq of the record that says so
  bool failed_ = false;
  bool paused_ = false;
  bool stopping_ = false;
  std::uint64_t last_seq_ = 0;
  std::uint64_t durable_ = 0;
  std::map<IncidentId, Seen> incidents_;
  std::map<IncidentId, Decision> decisions_;
  std::map<IncidentId, Approval> approvals_;
  std::map<JobId, Begun> jobs_;
  std::map<std::pair<JobId, std::uint64_t>, std::uint64_t> intents_;  // seq
  std::map<JobId, std::set<Lock>> alive_;                             // workers
};

}  // namespace pmend::engine
