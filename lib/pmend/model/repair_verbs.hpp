// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/ids.hpp"
#include "pmend/model/enum_names.hpp"
#include "pmend/model/json.hpp"
#include "pmend/model/outcome.hpp"
#include "pmend/model/plan.hpp"
#include "pmend/model/report.hpp"
#include "pmend/model/step.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Bodies of the requests to a repairing worker, one process per job, and of its replies.
//
// The course of a job: `repair`; for each changing step an event `step` without outcome (the intent), `proceed` once it
// is durable in the ledger, the step, an event `step` with its outcome; the reply; `release` once the outcome is
// durable. A worker whose connection ends takes no further step.
namespace pmend::protocol {

// Verb `repair`: carry this plan out. Verb `resume`: a worker of this job is gone and left an open intent; compare with
// the spool and finish what was begun, or find that nothing was.
struct RepairRequest {
  JobId job;
  Plan plan;
  std::string plan_hash;  // the worker computes it again from plan and basis
  PlanBasis basis;
  std::string spool_key;  // names the job's directory in the spool, see is_spool_key()
  // The index of this worker's first step: an earlier one of the same job has told those before. JSON: absent if 0.
  std::uint64_t first_step = 0;

  friend bool operator==(const RepairRequest&, const RepairRequest&) = default;
};
struct RepairReply {
  JobId job;
  Outcome outcome = Outcome::kIndeterminate;
  std::string reason;          // for people
  std::optional<Proof> proof;  // null if no step was taken
  LossManifest manifest;       // without names

  friend bool operator==(const RepairReply&, const RepairReply&) = default;
};

// The intent of this step is durable: take it.
struct ProceedRequest {
  JobId job;
  std::uint64_t index = 0;

  friend bool operator==(const ProceedRequest&, const ProceedRequest&) = default;
};

// The outcome of this job is durable: its spool may go.
struct ReleaseRequest {
  JobId job;
  std::string spool_key;

  friend bool operator==(const ReleaseRequest&, const ReleaseRequest&) = default;
};

enum class LockKind { kDevice, kFilesystem };
inline constexpr std::array kLockKindNames = {EnumName{LockKind::kDevice, "device"},
                                              EnumName{LockKind::kFilesystem, "filesystem"}};
constexpr std::span<const EnumName<LockKind>> enum_names(LockKind) {
  return kLockKindNames;
}

// A lock in the runtime directory that some worker holds.
struct HeldLock {
  LockKind kind = LockKind::kDevice;
  std::string name;                  // device id, or file system UUID
  std::optional<JobId> job;          // of the holder, as it wrote it
  std::optional<std::uint32_t> pid;  // of the holder, absent if it cannot be found
  bool uninterruptible = false;      // it is in D state: its write may still land

  friend bool operator==(const HeldLock&, const HeldLock&) = default;
};
struct InspectReply {
  std::vector<HeldLock> locks;
  std::vector<std::string> spool_keys;  // of jobs that were not released
  std::vector<FilePath> frozen;         // mount points that a guard of ours left frozen

  friend bool operator==(const InspectReply&, const InspectReply&) = default;
};

// 1 to 64 of a-z, 0-9 and hyphen, not starting with a hyphen: safe as a file name.
bool is_spool_key(std::string_view text);

Json to_json(const RepairRequest& request);
void read_json(const JsonReader& in, RepairRequest& request);
Json to_json(const RepairReply& reply);
void read_json(const JsonReader& in, RepairReply& reply);
Json to_json(const ProceedRequest& request);
void read_json(const JsonReader& in, ProceedRequest& request);
Json to_json(const ReleaseRequest& request);
void read_json(const JsonReader& in, ReleaseRequest& request);
Json to_json(const HeldLock& lock);
void read_json(const JsonReader& in, HeldLock& lock);
Json to_json(const InspectReply& reply);
void read_json(const JsonReader& in, InspectReply& reply);

}  // namespace pmend::protocol
