// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/core.hpp"

#include <string>

// How jobs end, and what that means for their incidents. A reference to a job is not good any more after these.
namespace pmend::engine {

// The worker answered.
void finish(Core& core, Job& job, const protocol::RepairReply& reply);
// The worker took no (further) step.
void refuse(Core& core, Job& job, const protocol::ReplyError& error);
// The worker is gone without an answer.
void lose_worker(Core& core, Job& job, const std::string& why);
// Nobody knows what its steps did and its worker is gone: it is looked at and resumed.
void reopen(Core& core, Job& job, const std::string& why);
// Its RunJob was not given: as if it had not been begun.
void call_off(Core& core, Job& job, const std::string& why);

// Writes the end of a job into the ledger and lets its spool go once that is durable. Its incident is free then.
void end_job(Core& core, Job& job, Outcome outcome, const std::string& reason);

}  // namespace pmend::engine
