// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/engine.hpp"

#include "pmend/engine/core.hpp"
#include "pmend/engine/deciding.hpp"
#include "pmend/engine/detecting.hpp"
#include "pmend/engine/observing.hpp"
#include "pmend/engine/operating.hpp"
#include "pmend/engine/planning.hpp"
#include "pmend/engine/recording.hpp"
#include "pmend/engine/repairing.hpp"
#include "pmend/engine/starting.hpp"
#include "pmend/engine/storming.hpp"

#include <algorithm>
#include <utility>

namespace pmend::engine {
namespace {

// What the stages want next, now that the input is taken in.
void advance(Core& core) {
  if (core.ready()) {
    watch_storms(core);
    ask_lists(core);
    ask_observations(core);
    ask_plans(core);
    start_jobs(core);
  }
}

}  // namespace

Engine::Engine() : core_(std::make_unique<Core>()) {}
Engine::~Engine() = default;

Commands Engine::handle(const Input& input) {
  Core& core = *core_;
  std::visit([&](const auto& kind) { on(core, kind); }, input);
  advance(core);
  flush(core);
  arm_timer(core);
  return std::exchange(core.out, {});
}

const std::map<IncidentId, Case>& Engine::cases() const {
  return core_->cases;
}

EngineStatus Engine::status() const {
  EngineStatus status;
  status.ready = core_->ready();
  status.paused = core_->paused;
  status.acting = core_->may_act();
  if (!core_->ledger_failure.empty()) {
    status.why_not = "the ledger cannot be written: " + core_->ledger_failure;
  } else if (core_->stopping) {
    status.why_not = "pmend is stopping";
  } else if (core_->paused) {
    status.why_not = "paused";
  } else if (!status.acting) {
    status.why_not = "pmend is starting";
  }
  for (const auto& [id, what] : core_->cases) {
    ++status.incidents[what.state()];
  }
  for (const auto& [id, device] : core_->devices) {
    if (device.storm) {
      status.storms[device.info.device] = *device.storm;
    }
  }
  status.jobs = static_cast<std::size_t>(
      std::count_if(core_->jobs.begin(), core_->jobs.end(), [](const auto& job) { return job.second.worker; }));
  return status;
}

std::optional<PolicyExplanation> Engine::explain(IncidentId id) const {
  const auto what = core_->cases.find(id);
  if (what == core_->cases.end() || !core_->policy) {
    return std::nullopt;
  }
  return core_->policy->explain(facts_for(*core_, what->second));
}

bool Engine::may_exit() const {
  return core_->stopping && core_->waiting.empty() && status().jobs == 0;
}

}  // namespace pmend::engine
