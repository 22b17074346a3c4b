// SPDX-License-Identifier: Apache-2.0
#include "worker/repair/repair_session.hpp"

#include "pmend/base/boundary.hpp"
#include "pmend/model/json_reader.hpp"
#include "pmend/repair/locks.hpp"
#include "pmend/repair/spool.hpp"
#include "pmend/rmap/proc_files.hpp"
#include "worker/freeze_place.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <filesystem>
#include <utility>

namespace pmend::worker {
namespace {

using protocol::ErrorCode;
using protocol::Message;
using protocol::Request;
using protocol::Verb;

// For ever: it is pmend that watches deadlines. poll(2) takes -1 so.
constexpr std::chrono::milliseconds kNoLimit{-1};

}  // namespace

int RepairSession::run() {
  if (!greet()) {
    return 1;
  }
  while (connected_) {
    const auto message = link_.receive(kNoLimit);
    connected_ = message.has_value();
    if (const auto* request = message ? std::get_if<Request>(&*message) : nullptr) {
      serve(*request);
    }
  }
  return 0;
}

bool RepairSession::greet() {
  const auto hello = link_.receive(std::chrono::seconds(30));
  const auto* greeting = hello ? std::get_if<protocol::Hello>(&*hello) : nullptr;
  const bool known = greeting != nullptr && greeting->version == protocol::kVersion;
  return link_.send(protocol::Hello{protocol::kVersion, protocol::Role::kRepair, static_cast<std::uint32_t>(getpid())})
             .has_value() &&
         known;
}

void RepairSession::serve(const Request& request) {
  switch (request.verb) {
    case Verb::kRepair:
      return run_job(request, repair::JobKind::kRepair);
    case Verb::kResume:
      return run_job(request, repair::JobKind::kResume);
    case Verb::kRelease:
      return release(request);
    case Verb::kInspect:
      return inspect(request);
    case Verb::kProceed:
      return refuse(request.id, ErrorCode::kNotFound, "no step waits here");
    case Verb::kWatch:
    case Verb::kObserve:
    case Verb::kPlan:
    case Verb::kLocate:
    case Verb::kList:
    case Verb::kScrub:
    case Verb::kCounters:
    case Verb::kOpeners:
    case Verb::kFiles:
      return refuse(request.id, ErrorCode::kWrongRole, "this worker only repairs");
  }
}

void RepairSession::run_job(const Request& request, repair::JobKind kind) {
  const auto order = from_json<protocol::RepairRequest>(request.body);
  if (!order) {
    return refuse(request.id, ErrorCode::kInvalid, order.error().message());
  }
  const Plan& plan = order->plan;
  const auto context = find_context(setting_, plan.device, plan.device_id);
  if (!context) {
    const auto error = reply_error(context.error());
    return refuse(request.id, error.code, error.what);
  }
  std::vector<ByteRange> units;
  for (const PlannedUnit& planned : plan.units) {
    units.push_back(planned.unit.device_range);
  }
  auto place = open_place(setting_, *context, units);
  if (!place) {
    const auto error = reply_error(place.error());
    return refuse(request.id, error.code, error.what);
  }
  // Kept until the process ends: what a killed child of ours still writes is under them too.
  static std::vector<repair::Lock> locks;
  auto taken = repair::take_locks(
      lock_directory(),
      {{protocol::LockKind::kDevice, plan.device_id}, {protocol::LockKind::kFilesystem, place->place.filesystem.uuid}},
      order->job);
  if (!taken) {
    const auto error = reply_error(taken.error());
    return refuse(request.id, error.code, error.what);
  }
  locks = std::move(*taken);
  for (const repair::Lock& lock : locks) {
    place->place.freeze.locks.push_back(lock.descriptor());
  }
  // Of an earlier worker of this job, perhaps; whatever stays frozen is found out by the job.
  (void)thaw_what_is_left(setting_);
  repair::Job job(kind, *order, place->place, setting_.options.spool_dir);
  while (connected_ && handle_event(job, request, job.next())) {
  }
}

bool RepairSession::handle_event(repair::Job& job, const Request& request, const repair::JobEvent& event) {
  if (const auto* end = std::get_if<protocol::RepairReply>(&event)) {
    reply(request.id, to_json(*end));
    boundary("session: after the reply");
    return false;
  }
  const Step& step = std::get<Step>(event);
  connected_ = connected_ && link_.send(protocol::Event{protocol::EventKind::kStep, to_json(step)}).has_value();
  boundary("session: after a step was told");
  if (connected_ && !step.outcome) {
    wait_for_proceed(job, request, step);
  }
  return connected_;
}

void RepairSession::wait_for_proceed(repair::Job& job, const Request& request, const Step& step) {
  while (connected_) {
    const auto message = link_.receive(kNoLimit);
    connected_ = message.has_value();
    if (!connected_) {
      return;
    }
    if (const auto* cancel = std::get_if<protocol::Cancel>(&*message); cancel != nullptr && cancel->id == request.id) {
      job.cancel();
      return;
    }
    const auto* next = std::get_if<Request>(&*message);
    if (next == nullptr) {
      continue;
    }
    const auto proceed = next->verb == Verb::kProceed ? from_json<protocol::ProceedRequest>(next->body)
                                                      : Result<protocol::ProceedRequest>(fail(Errc::kInvalid, ""));
    if (proceed && proceed->job == step.job && proceed->index == step.index) {
      reply(next->id, Json::object());
      job.proceed();
      return;
    }
    refuse(next->id, ErrorCode::kBusy, "a step of this job waits for its proceed");
  }
}

void RepairSession::release(const Request& request) {
  const auto order = from_json<protocol::ReleaseRequest>(request.body);
  boundary("session: before a spool is released");
  const auto released = order ? repair::release_spool(setting_.options.spool_dir, order->spool_key)
                              : Status(tl::make_unexpected(order.error()));
  if (!released) {
    const auto error = reply_error(released.error());
    return refuse(request.id, error.code, error.what);
  }
  boundary("session: after a spool was released");
  reply(request.id, Json::object());
}

void RepairSession::inspect(const Request& request) {
  const auto openers = [proc = setting_.roots.proc](dev_t device, ino_t inode) {
    auto found = rmap::find_openers(proc, {{device, inode}});
    return found.empty() ? std::vector<OpenBy>() : std::move(found.begin()->second);
  };
  auto locks = repair::inspect_locks(lock_directory(), openers);
  auto spools = repair::list_spools(setting_.options.spool_dir);
  auto frozen = thaw_what_is_left(setting_);
  for (const Error* error :
       {locks ? nullptr : &locks.error(), spools ? nullptr : &spools.error(), frozen ? nullptr : &frozen.error()}) {
    if (error != nullptr) {
      return refuse(request.id, ErrorCode::kInternal, error->message());
    }
  }
  reply(request.id, to_json(protocol::InspectReply{std::move(*locks), std::move(*spools), std::move(*frozen)}));
}

void RepairSession::reply(RequestId id, Json body) {
  connected_ = connected_ && link_.send(protocol::Reply{id, std::move(body), {}, {}}).has_value();
}

void RepairSession::refuse(RequestId id, ErrorCode code, const std::string& what) {
  connected_ = connected_ && link_.send(protocol::Reply{id, {}, protocol::ReplyError{code, what}, {}}).has_value();
}

}  // namespace pmend::worker
