// SPDX-License-Identifier: Apache-2.0
#include "kernel/worker/repair_rig.hpp"

#include <nlohmann/json.hpp>

namespace pmend::world {

using protocol::EventKind;
using protocol::Role;
using protocol::Verb;

void RepairRig::start(const WorldOptions& options, ListKind list) {
  world_ = std::make_unique<World>(options);
  world_->medium().set_mode("write=clear");
  service_ = std::make_unique<WorkerService>(*world_, "pmend-repair@.service.in", list);
  observer_ = std::make_unique<WorkerClient>(*service_, Role::kObserve);
  observer_->ask<protocol::WatchReply>(Verb::kWatch, service_->watch_request());
  device_ = observer_->event<protocol::DeviceInfo>(EventKind::kDeviceFound);
}

protocol::Observation RepairRig::observe(const ByteRange& bad) {
  return observer_->ask<protocol::Observation>(
      Verb::kObserve, protocol::ObserveRequest{device_.device, device_.device_id, {bad}, {}, 0});
}

protocol::RepairRequest RepairRig::plan_for(const ByteRange& bad) {
  const auto observation = observe(bad);
  const auto reply =
      observer_->ask<protocol::PlanReply>(Verb::kPlan, protocol::PlanRequest{device_.device,
                                                                             device_.device_id,
                                                                             {bad},
                                                                             observation.ranges.at(0).owners,
                                                                             {Method::kRedirty, Method::kRewrite}});
  if (!reply.plan) {
    throw Failure("no plan: " + reply.refusal->reason);
  }
  return {JobId{1}, *reply.plan, plan_hash(*reply.plan, kBasis), kBasis, "job-1"};
}

protocol::RepairReply RepairRig::repair(const protocol::RepairRequest& request) {
  WorkerClient worker(*service_, Role::kRepair);
  worker.send(Verb::kRepair, to_json(request));
  while (true) {
    const protocol::Message message = worker.receive();
    if (const auto* reply = std::get_if<protocol::Reply>(&message); reply != nullptr) {
      if (reply->error) {
        throw Failure("refused: " + reply->error->what);
      }
      if (reply->body->contains("outcome")) {
        worker.ask_raw(Verb::kRelease, to_json(protocol::ReleaseRequest{request.job, request.spool_key}));
        return must(from_json<protocol::RepairReply>(*reply->body));
      }
      continue;
    }
    const Step step = must(from_json<Step>(std::get<protocol::Event>(message).body));
    if (!step.outcome) {
      worker.send(Verb::kProceed, to_json(protocol::ProceedRequest{step.job, step.index}));
    }
  }
}

std::vector<ByteRange> RepairRig::units_of(const protocol::RepairRequest& request) {
  std::vector<ByteRange> units;
  for (const PlannedUnit& unit : request.plan.units) {
    units.push_back(unit.unit.device_range);
  }
  return units;
}

}  // namespace pmend::world
