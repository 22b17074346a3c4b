// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/ids.hpp"
#include "pmend/engine/case.hpp"
#include "pmend/engine/command.hpp"
#include "pmend/engine/input.hpp"
#include "pmend/model/incident.hpp"
#include "pmend/model/storm.hpp"
#include "pmend/policy/policy.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pmend::engine {

struct Core;

// How pmend is, for people.
struct EngineStatus {
  bool ready = false;                              // ledger and policy are loaded
  bool paused = false;                             // by a person
  bool acting = false;                             // may begin repairs
  std::string why_not;                             // of acting, empty if it does
  std::map<IncidentState, std::size_t> incidents;  // how many there are in each state; the closed ones are not counted
  std::map<std::string, Storm> storms;             // by node: where nothing is repaired without a person
  std::size_t jobs = 0;                            // with a worker
};

// The state machine that knows the order of the stages: it is told what happened and says what is to be done. No I/O,
// no thread, no clock but what Tick says: equal inputs give equal commands, byte for byte. Not thread-safe.
class Engine {
 public:
  Engine();
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  Engine(Engine&&) = delete;
  Engine& operator=(Engine&&) = delete;

  Commands handle(const Input& input);

  // What is open or dismissed now, by number; may be ahead of what is durable.
  const std::map<IncidentId, Case>& cases() const;
  EngineStatus status() const;
  // How the policy in force looks at an open incident now; nothing if there is no such incident or no policy.
  std::optional<PolicyExplanation> explain(IncidentId id) const;
  // True when after a Shutdown no worker is left and all that was to be recorded is durable (or cannot be).
  bool may_exit() const;

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace pmend::engine
