// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/job.hpp"

#include "pmend/base/boundary.hpp"
#include "pmend/repair/exchange_job.hpp"
#include "pmend/repair/frozen_job.hpp"
#include "pmend/repair/methods/exchange.hpp"
#include "pmend/repair/methods/frozen_write.hpp"
#include "pmend/repair/methods/redirty.hpp"
#include "pmend/repair/methods/rewrite.hpp"
#include "pmend/repair/times.hpp"

#include <utility>

namespace pmend::repair {
namespace {

Method method_of(Course course, const Unit& unit) {
  switch (course) {
    case Course::kRedirty:
      return Method::kRedirty;
    case Course::kRewrite:
    case Course::kRewriteBegun:
      return unit.method == Method::kRedirty ? Method::kRewrite : unit.method;
    case Course::kDonor:
    case Course::kExchange:
    case Course::kClear:
      return Method::kExchange;
    case Course::kFrozenWrite:
    case Course::kFrozenBegun:
      return Method::kFrozenWrite;
    case Course::kNothing:
      break;
  }
  return unit.method;
}

StepKind kind_of(Course course, Method method) {
  switch (course) {
    case Course::kRedirty:
      return StepKind::kRedirty;
    case Course::kDonor:
      return StepKind::kDonor;
    case Course::kExchange:
      return StepKind::kExchange;
    case Course::kClear:
      return StepKind::kClear;
    case Course::kFrozenWrite:
    case Course::kFrozenBegun:
      return StepKind::kFrozenWrite;
    case Course::kRewrite:
    case Course::kRewriteBegun:
    case Course::kNothing:
      break;
  }
  if (method == Method::kPunch) {
    return StepKind::kPunch;
  }
  return method == Method::kRescue ? StepKind::kPoison : StepKind::kPwrite;
}

MethodResult carry_out(Course course, const UnitWork& work) {
  switch (course) {
    case Course::kRedirty:
      return redirty(work);
    case Course::kRewrite:
      return rewrite(work, Begun::kNo);
    case Course::kRewriteBegun:
      return rewrite(work, Begun::kPerhaps);
    case Course::kFrozenWrite:
      return frozen_write(work, Begun::kNo);
    case Course::kFrozenBegun:
      return frozen_write(work, Begun::kPerhaps);
    case Course::kDonor:
    case Course::kExchange:
    case Course::kClear:
    case Course::kNothing:
      break;
  }
  return {{Outcome::kUnnecessary, ""}, false, {}};
}

}  // namespace

Job::Job(JobKind kind, protocol::RepairRequest request, const Place& place, std::string spool_directory)
    : kind_(kind),
      request_(std::move(request)),
      place_(place),
      spool_directory_(std::move(spool_directory)),
      next_index_(request_.first_step) {}

JobEvent Job::next() {
  if (announced_) {
    return take_step();
  }
  if (failed_) {
    return finish(*failed_);
  }
  if (!spool_) {
    if (auto obstacle = begin()) {
      return finish(*obstacle);
    }
  }
  return announce();
}

Obstacle Job::begin() {
  boundary("job: before anything is looked at");
  if (auto obstacle = check_plan(request_, place_, kind_ == JobKind::kRepair)) {
    return obstacle;
  }
  auto spool =
      kind_ == JobKind::kRepair ? prepare(request_, place_, spool_directory_) : open_begun(request_, spool_directory_);
  if (!spool) {
    return spool.error();
  }
  spool_ = std::move(*spool);
  if (kind_ == JobKind::kResume) {
    own_time_ = spool_->own_time();
  }
  boundary("job: after the units are spooled");
  return std::nullopt;
}

// The next unit that needs a step, or the times, or the end.
JobEvent Job::announce() {
  for (; position_ < request_.plan.units.size(); ++position_) {
    const auto work = work_for(position_);
    if (!work) {
      return finish(work.error());
    }
    const auto course = next_course(*work);
    if (!course) {
      return finish(course.error());
    }
    course_ = *course;
    if (course_ != Course::kNothing) {
      const auto bytes = course_ == Course::kClear ? std::nullopt : std::optional(work->before().sha256);
      return announce_step(kind_of(course_, work->planned().unit.method), work->planned().unit.device_range, bytes);
    }
    // Pages without a bad sector are only written along with others of their folio: nothing is to be done for them.
    if (course_of(work->planned().unit) != Course::kNothing) {
      done_.push_back(position_);
      manifest_units_.push_back({work->planned(), work->planned().unit.method});
    }
  }
  if (wants_times()) {
    return announce_step(StepKind::kTimes, hull(), std::nullopt);
  }
  return finish({Outcome::kSucceeded, ""});
}

JobEvent Job::announce_step(StepKind kind, const ByteRange& device_range, std::optional<std::string> spool_sha256) {
  announced_ = Step{request_.job, next_index_++, kind, device_range, std::move(spool_sha256), std::nullopt, ""};
  may_proceed_ = false;
  boundary("job: before an intent is told");
  return *announced_;
}

JobEvent Job::take_step() {
  Step step = *std::exchange(announced_, std::nullopt);
  const bool times = step.kind == StepKind::kTimes;
  Ending ending{Outcome::kInterrupted, "cancelled before the step was taken"};
  if (may_proceed_ && !cancelled_) {
    boundary("job: before a step is taken");
    ending = times ? change_times() : change_unit();
    boundary("job: after a step was taken");
  }
  if (times) {
    // The bytes are right whatever became of the time.
    times_done_ = true;
    remark_ = ending.reason;
  } else if (step.kind == StepKind::kClear && ending.outcome != Outcome::kSucceeded) {
    // The file is whole whatever became of the block that it had.
    kept_.insert(position_);
  } else if (ending.outcome != Outcome::kSucceeded) {
    failed_ = ending;
  }
  step.outcome = ending.outcome;
  step.reason = ending.reason;
  return step;
}

Ending Job::change_unit() {
  const auto work = work_for(position_);
  if (!work) {
    return work.error();
  }
  if (request_.plan.method == Method::kExchange) {
    return change_exchanged(*work);
  }
  const MethodResult result = carry_out(course_, *work);
  const DoneUnit dealt_with{work->planned(), method_of(course_, work->planned().unit)};
  if (result.ending.outcome != Outcome::kSucceeded) {
    const bool is_written =
        result.ending.outcome == Outcome::kIndeterminate || result.ending.outcome == Outcome::kTargetChanged;
    if (result.changing && is_written) {
      manifest_units_.push_back(dealt_with);
    }
    return result.ending;
  }
  done_.push_back(position_);
  manifest_units_.push_back(dealt_with);
  ++position_;
  note_change(result.own_time);
  return result.ending;
}

Ending Job::change_exchanged(const UnitWork& work) {
  if (course_ == Course::kDonor) {
    return make_donors(work).ending;
  }
  if (course_ == Course::kClear) {
    Ending ending = clear_old_block(work).ending;
    if (ending.outcome == Outcome::kSucceeded) {
      if (auto noted = spool_->note_cleared(position_); !noted) {
        ending = ending_of(noted.error());
      }
    }
    return ending;
  }
  const MethodResult result = exchange(work);
  if (result.ending.outcome == Outcome::kSucceeded) {
    note_change(result.own_time);
  } else if (result.changing) {
    manifest_units_.push_back({work.planned(), Method::kExchange});
  }
  return result.ending;
}

void Job::note_change(const std::optional<FileTime>& own_time) {
  own_time_ = own_time;
  time_lost_ = time_lost_ || !own_time;
  if (own_time_ && request_.plan.lost.empty()) {
    if (auto noted = spool_->note_own_time(*own_time_); !noted) {
      time_lost_ = true;
    }
  }
}

Ending Job::change_times() {
  const FileId file = request_.plan.units.front().mappings.front().file;
  return restore_times(place_, file, *own_time_, spool_->index().modified);
}

Result<JobProof> Job::prove(const std::vector<UnitWork>& done) const {
  if (request_.plan.method == Method::kExchange) {
    return prove_exchange(done, own_time_);
  }
  return request_.plan.method == Method::kFrozenWrite ? prove_frozen(done, kind_) : prove_job(done, own_time_);
}

bool Job::wants_times() const {
  return request_.plan.lost.empty() && own_time_ && !time_lost_ && !times_done_;
}

JobEvent Job::finish(const Ending& ending) {
  if (request_.plan.method == Method::kExchange && spool_) {
    remove_donors_of_all();
  }
  boundary("job: before the proof");
  protocol::RepairReply reply = reply_for(ending);
  boundary("job: before the reply");
  return reply;
}

protocol::RepairReply Job::reply_for(const Ending& ending) {
  protocol::RepairReply reply;
  reply.job = request_.job;
  reply.outcome = ending.outcome;
  reply.reason = ending.reason;
  reply.manifest = manifest_of(manifest_units_);
  keep_lost_data(reply.manifest, request_.plan.lost);
  if (done_.empty()) {
    return reply;
  }
  std::vector<UnitWork> proven;
  for (const std::size_t position : done_) {
    auto work = work_for(position);
    if (!work) {
      return {request_.job, Outcome::kIndeterminate, work.error().reason, std::nullopt, reply.manifest};
    }
    proven.push_back(std::move(*work));
  }
  const auto proof = prove(proven);
  if (!proof) {
    reply.outcome = Outcome::kIndeterminate;
    reply.reason = proof.error().message();
    return reply;
  }
  reply.proof = proof->proof;
  if (!proof->problem.empty()) {
    reply.outcome = Outcome::kIndeterminate;
    reply.reason = proof->problem;
  } else if (ending.outcome == Outcome::kSucceeded) {
    reply.reason = remark() + proof->remark;
  } else if (ending.outcome != Outcome::kIndeterminate) {
    reply.outcome = Outcome::kPartlyDone;
  }
  return reply;
}

tl::expected<Course, Ending> Job::next_course(const UnitWork& work) const {
  if (request_.plan.method == Method::kExchange) {
    const bool over = kept_.contains(work.position) || spool_->is_cleared(work.position);
    return over ? tl::expected<Course, Ending>(Course::kNothing) : course_of_exchange(work);
  }
  if (kind_ == JobKind::kResume) {
    return course_of_begun(work);
  }
  return course_of(work.planned().unit);
}

std::string Job::remark() const {
  std::string text = remark_;
  for (const std::size_t position : kept_) {
    if (const auto work = work_for(position)) {
      text += (text.empty() ? "" : "; ") + quarantine_text(*work);
    }
  }
  return text;
}

// What the exchange does not need any more, or never used. What cannot be removed is found by the next job.
void Job::remove_donors_of_all() const {
  for (std::size_t i = 0; i < request_.plan.units.size(); ++i) {
    if (const auto work = work_for(i)) {
      (void)remove_donors(*work, spool_->is_cleared(i) ? OldBlock::kWasCleared : OldBlock::kIsKept);
    }
  }
}

tl::expected<UnitWork, Ending> Job::work_for(std::size_t position) const {
  auto bytes = spool_->unit(position);
  if (!bytes) {
    return tl::make_unexpected(ending_of(bytes.error()));
  }
  const FileTime modified = own_time_.value_or(spool_->index().modified);
  return UnitWork{place_,   request_.plan,      spool_->index(), position, std::move(*bytes),
                  modified, request_.spool_key, &*spool_};
}

ByteRange Job::hull() const {
  const std::uint64_t begin = request_.plan.units.front().unit.device_range.offset;
  return {begin, request_.plan.units.back().unit.device_range.end() - begin};
}

}  // namespace pmend::repair
