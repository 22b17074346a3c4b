// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/outcome.hpp"
#include "pmend/model/protocol.hpp"
#include "pmend/model/repair_verbs.hpp"

// What the end of a job means for its incident. Pure tables.
namespace pmend::engine {

enum class AfterJob {
  kRepaired,   // proven
  kLookAgain,  // nothing or a part was changed: what is left is observed and planned anew
  kWait,       // in use: blocked, and again after a while
  kBlocked,    // a guard: blocked until something changes
  kFailed,     // it would fail again
  kResume,     // nobody knows: the job stays open
};
AfterJob after(Outcome outcome);

// A job without an answer took no step.
Outcome outcome_of(protocol::ErrorCode code);

// The outcome that the answer's evidence allows: a success without a whole proof is indeterminate.
Outcome proven_outcome(const protocol::RepairReply& reply, Method method);

}  // namespace pmend::engine
