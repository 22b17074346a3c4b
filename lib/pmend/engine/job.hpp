// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/ids.hpp"
#include "pmend/model/repair_verbs.hpp"
#include "pmend/model/step.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace pmend::engine {

// What no two jobs may have at once: a device, or a file system by its UUID (which copies of it share: they then wait
// for each other).
using Lock = std::pair<protocol::LockKind, std::string>;

std::set<Lock> locks_of(const Plan& plan);

enum class JobPhase {
  kRecording,  // its beginning is not durable yet; no worker
  kRunning,    // a worker is at it
  kAnswered,   // the worker has answered; ends once that is durable and the worker gone
  kOpen,       // the worker is gone (or was, at start) and steps were begun: to be resumed
};

struct Job {
  JobId id;
  IncidentId incident;
  JobPhase phase = JobPhase::kRecording;
  bool resume = false;      // this run of it is a resumption
  bool worker = false;      // RunJob was given and WorkerGone has not come
  bool stuck = false;       // WorkerStuck has come
  bool ended = false;       // EndJob was recorded, or was to be
  bool begun = false;       // a step of it was proceeded with, in this run or before: it has to be finished
  bool reobserved = false;  // while kOpen: the world was looked at again
  protocol::RepairRequest request;
  std::map<std::uint64_t, Step> steps;        // by index; those without outcome are open
  std::optional<std::uint64_t> waiting_step;  // its intent is being recorded
  std::optional<std::uint64_t> proceeded;     // the last one that this run was told to take
};

}  // namespace pmend::engine
