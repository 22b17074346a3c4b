// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/repair_verbs.hpp"
#include "pmend/model/step.hpp"
#include "pmend/repair/manifest.hpp"
#include "pmend/repair/prepare.hpp"
#include "pmend/repair/proof.hpp"

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace pmend::repair {

// kResume: a worker of this job is gone and may have begun.
enum class JobKind { kRepair, kResume };

// Either a step (an intent if it has no outcome), or the reply with which the job ends.
using JobEvent = std::variant<Step, protocol::RepairReply>;

// The execution of one plan, driven from outside: next() works until there is something to tell. After an intent the
// caller makes it durable and calls proceed() before it calls next() again, which takes the step; if it calls cancel()
// instead, or nothing, the step is not taken and the job ends. Everything runs in the caller's thread and process: a
// change that hangs in the kernel hangs it, which is what its master watches for.
//
// The order: check the plan → look at everything again, salvage, spool → for each unit: intent, look again, change,
// look → modification time, if nothing was lost → proof → reply. The caller holds the locks of device and file system
// (locks.hpp) from before the first next() until the process ends.
class Job {
 public:
  // `place` outlives the job.
  Job(JobKind kind, protocol::RepairRequest request, const Place& place, std::string spool_directory);

  JobEvent next();
  void proceed() { may_proceed_ = true; }
  // No step is begun any more. What was done stays and is proven.
  void cancel() { cancelled_ = true; }

 private:
  Obstacle begin();
  JobEvent announce();
  JobEvent announce_step(StepKind kind, const ByteRange& device_range, std::optional<std::string> spool_sha256);
  JobEvent take_step();
  Ending change_unit();
  Ending change_exchanged(const UnitWork& work);
  void note_change(const std::optional<FileTime>& own_time);
  void remove_donors_of_all() const;
  Ending change_times();
  JobEvent finish(const Ending& ending);
  protocol::RepairReply reply_for(const Ending& ending);
  std::string remark() const;
  Result<JobProof> prove(const std::vector<UnitWork>& done) const;

  tl::expected<Course, Ending> next_course(const UnitWork& work) const;
  tl::expected<UnitWork, Ending> work_for(std::size_t position) const;
  bool wants_times() const;
  ByteRange hull() const;

  JobKind kind_;
  protocol::RepairRequest request_;
  const Place& place_;
  std::string spool_directory_;

  std::optional<Spool> spool_;
  bool may_proceed_ = false;
  bool cancelled_ = false;
  std::size_t position_ = 0;          // of the unit that is dealt with
  Course course_ = Course::kNothing;  // for that unit
  std::optional<Step> announced_;     // an intent that was told
  std::uint64_t next_index_ = 0;      // of steps
  std::optional<FileTime> own_time_;  // the modification time after our last change, if it is surely ours
  bool time_lost_ = false;            // a change was made and its time is not surely ours
  bool times_done_ = false;
  std::vector<std::size_t> done_;         // positions of units that are as they must be
  std::vector<DoneUnit> manifest_units_;  // these, and one of which nobody knows: its bytes are lost either way
  std::optional<Ending> failed_;          // of a step
  std::string remark_;                    // on the modification time
  std::set<std::size_t> kept_;            // positions of units whose old block stays in the quarantine
};

}  // namespace pmend::repair
