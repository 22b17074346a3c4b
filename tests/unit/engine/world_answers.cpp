// SPDX-License-Identifier: Apache-2.0
// How the observer, the workers and the ledger of a World answer.
#include "world.hpp"

#include <algorithm>
#include <utility>

namespace pmend::engine {
namespace {

constexpr const char* kBoot = "11111111-2222-3333-4444-555555555555";
constexpr const char* kDigest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

}  // namespace

bool World::answer(const Command& command) {
  return std::visit([this](const auto& kind) { return answer(kind); }, command);
}

Owner World::owner_of(const ByteRange& range) const {
  Owner owner;
  owner.device_range = range;
  const auto extent = std::find_if(extents_.begin(), extents_.end(),
                                   [&](const Extent& candidate) { return candidate.range.contains(range); });
  if (extent == extents_.end()) {
    owner.kind = OwnerKind::kFree;
    owner.filesystem = *device().filesystem;
    return owner;
  }
  owner.kind = extent->kind;
  if (extent->kind == OwnerKind::kUnknown) {
    owner.detail = "not mounted";
    return owner;
  }
  owner.filesystem = *device().filesystem;
  if (extent->kind == OwnerKind::kFile) {
    owner.file = FileId{extent->inode, 7};
    if (find_names) {
      owner.paths = {{extent->path}};
      owner.all_names = true;
    }
    owner.file_offset = range.offset - extent->range.offset;
  }
  return owner;
}

protocol::ObservedRange World::observe(const ByteRange& range) const {
  const bool bad = bad_.overlaps(range);
  protocol::ObservedRange seen;
  seen.device_range = range;
  seen.listed = bad ? protocol::Listed::kYes : protocol::Listed::kNo;
  seen.readable = bad ? protocol::Readable::kNo : protocol::Readable::kYes;
  seen.phantom = phantoms.overlaps(range) ? true : phantom;
  seen.owners = {owner_of(range)};
  seen.evidence = {"fiemap"};
  return seen;
}

// Cut where an extent begins or ends, as the real observer does.
bool World::answer(const Observe& command) {
  protocol::Observation observation{device(), kBoot, {}};
  for (const ByteRange& range : command.request.ranges) {
    std::set<std::uint64_t> borders = {range.end()};
    for (const Extent& extent : extents_) {
      for (const std::uint64_t border : {extent.range.offset, extent.range.end()}) {
        if (border > range.offset && border < range.end()) {
          borders.insert(border);
        }
      }
    }
    std::uint64_t from = range.offset;
    for (const std::uint64_t to : borders) {
      observation.ranges.push_back(observe({from, to - from}));
      from = to;
    }
  }
  give(Observed{command.query, std::move(observation)});
  return true;
}

Plan World::plan_for(const protocol::PlanRequest& request) const {
  Plan plan;
  plan.device = device().device;
  plan.device_id = request.device_id;
  plan.boot_id = kBoot;
  plan.owner = OwnerKind::kFile;
  plan.filesystem = *device().filesystem;
  plan.bad = request.ranges;
  RangeSet units;
  for (const ByteRange& range : request.ranges) {
    units.insert(round_out(range, kUnit));
  }
  for (const ByteRange& unit : units.ranges()) {
    std::string sectors;
    for (std::uint64_t at = unit.offset; at < unit.end(); at += kSectorBytes) {
      const ByteRange sector{at, kSectorBytes};
      const bool bad = bad_.overlaps(sector);
      sectors += bad ? (cached_.overlaps(sector) ? kSectorCached : kSectorLost) : kSectorGood;
      (sectors.back() == kSectorLost ? plan.lost : plan.salvageable).push_back(sector);
    }
    plan.method = sectors.find(kSectorLost) == std::string::npos ? Method::kRedirty : Method::kRewrite;
    const Owner owner = owner_of({unit.offset, 1});
    plan.units.push_back({{unit, plan.method, sectors}, {{*owner.file, *owner.file_offset, unit}}});
  }
  plan.method = plan.lost.empty() ? Method::kRedirty : Method::kRewrite;
  return plan;
}

bool World::answer(const AskPlan& command) {
  const ByteRange first = command.request.ranges.front();
  if (!bad_.overlaps(first)) {
    give(PlanRefused{command.query, {RefusalState::kCleared, "no longer listed"}});
  } else if (owner_of(first).kind != OwnerKind::kFile) {
    give(PlanRefused{command.query,
                     {RefusalState::kBlocked, std::string(to_string(owner_of(first).kind)) + " is never written"}});
  } else {
    give(Planned{command.query, plan_for(command.request)});
  }
  return true;
}

bool World::answer(const List& command) {
  give(MediaErrors{command.query, {device().device, device().device_id, "badblocks", bad_.ranges(), true}});
  return true;
}

bool World::answer(const Record& command) {
  records_.push_back(command.record);
  give(Recorded{command.record.seq});
  return true;
}

Step World::step_of(const protocol::RepairRequest& request, std::uint64_t index) const {
  Step step;
  step.job = request.job;
  step.index = index;
  const Unit& unit = request.plan.units.at(index - request.first_step).unit;
  step.kind = unit.method == Method::kRedirty ? StepKind::kRedirty : StepKind::kPwrite;
  step.device_range = unit.device_range;
  step.spool_sha256 = kDigest;
  return step;
}

protocol::RepairReply World::reply_to(const protocol::RepairRequest& request, Outcome outcome) const {
  protocol::RepairReply reply{request.job, outcome, "as the world has it", {}, {}};
  if (outcome == Outcome::kSucceeded) {
    reply.proof = Proof{true, true, true, kDigest, kDigest, true};
    for (const ByteRange& lost : request.plan.lost) {
      reply.manifest.lost.push_back({{}, request.plan.units.front().mappings.front().file.inode, 0, lost});
    }
    for (const PlannedUnit& planned : request.plan.units) {
      reply.manifest.units.push_back(planned.unit);
    }
  }
  return reply;
}

bool World::answer(const RunJob& command) {
  const JobId job = command.request.job;
  workers_[job] = command.request;
  if (!take_steps) {
    return true;
  }
  if (const auto error = std::exchange(next_error, std::nullopt)) {
    workers_.erase(job);
    give(JobRefused{job, {*error, "as the test wants"}});
    give(WorkerGone{job, "ended"});
    return true;
  }
  give(StepIntent{step_of(command.request, command.request.first_step)});
  return true;
}

// One step after the other; the last one is followed by the answer.
bool World::answer(const Proceed& command) {
  const auto worker = workers_.find(command.request.job);
  // One that was on its way to a worker that is gone does not reach the one that resumes.
  if (worker == workers_.end() || command.request.index < worker->second.first_step) {
    return true;
  }
  const protocol::RepairRequest request = worker->second;
  Step step = step_of(request, command.request.index);
  const Outcome outcome = next_outcome.value_or(Outcome::kSucceeded);
  step.outcome = outcome;
  if (outcome == Outcome::kSucceeded) {
    bad_.erase(step.device_range);
  }
  give(StepFinished{step});
  if (outcome == Outcome::kSucceeded && command.request.index - request.first_step + 1 < request.plan.units.size()) {
    give(StepIntent{step_of(request, command.request.index + 1)});
    return true;
  }
  next_outcome.reset();
  give(JobFinished{reply_to(request, outcome)});
  return true;
}

bool World::answer(const Release& command) {
  if (workers_.erase(command.request.job) != 0) {
    give(WorkerGone{command.request.job, "ended"});
  }
  return true;
}

bool World::answer(const CancelJob& command) {
  if (workers_.erase(command.job) != 0) {
    give(WorkerGone{command.job, "cancelled"});
  }
  return true;
}

bool World::answer(const Inspect& /*command*/) {
  give(Inspected{});
  return true;
}

}  // namespace pmend::engine
