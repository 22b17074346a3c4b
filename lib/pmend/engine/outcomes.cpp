// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/outcomes.hpp"

namespace pmend::engine {

AfterJob after(Outcome outcome) {
  switch (outcome) {
    case Outcome::kSucceeded:
      return AfterJob::kRepaired;
    case Outcome::kUnnecessary:
    case Outcome::kPartlyDone:
    case Outcome::kTargetChanged:
    case Outcome::kInterrupted:
      return AfterJob::kLookAgain;
    case Outcome::kBusyRetry:
      return AfterJob::kWait;
    case Outcome::kRefused:
      return AfterJob::kBlocked;
    case Outcome::kNotSupported:
    case Outcome::kPermanentFailure:
      return AfterJob::kFailed;
    case Outcome::kIndeterminate:
      return AfterJob::kResume;
  }
  return AfterJob::kResume;
}

Outcome outcome_of(protocol::ErrorCode code) {
  switch (code) {
    case protocol::ErrorCode::kBusy:
      return Outcome::kBusyRetry;
    case protocol::ErrorCode::kPlanChanged:
    case protocol::ErrorCode::kWouldLoseMore:
    case protocol::ErrorCode::kNotFound:
    case protocol::ErrorCode::kGone:
      return Outcome::kTargetChanged;
    case protocol::ErrorCode::kRefused:
      return Outcome::kRefused;
    case protocol::ErrorCode::kUnsupported:
      return Outcome::kNotSupported;
    case protocol::ErrorCode::kTimedOut:
    case protocol::ErrorCode::kCancelled:
    case protocol::ErrorCode::kInternal:
      return Outcome::kInterrupted;
    case protocol::ErrorCode::kInvalid:
    case protocol::ErrorCode::kWrongRole:
    case protocol::ErrorCode::kTooLarge:
      return Outcome::kPermanentFailure;
  }
  return Outcome::kIndeterminate;
}

Outcome proven_outcome(const protocol::RepairReply& reply, Method method) {
  if (reply.outcome != Outcome::kSucceeded) {
    return reply.outcome;
  }
  if (!reply.proof) {
    return Outcome::kIndeterminate;
  }
  const Proof& proof = *reply.proof;
  // An exchange is meant to change the extents; the worker compares them with the planned ones.
  const bool exchange = method == Method::kExchange;
  // A punch gives the block back: where it is still listed, the list says so again, as free space.
  const bool punch = method == Method::kPunch;
  const bool extents = exchange || proof.extents_before == proof.extents_after;
  // Nor does it need the bad block cleared: the worker has proven that no file has it any more.
  const bool rid = exchange || punch || proof.badblocks_clear;
  const bool whole = rid && proof.read_back && proof.neighbours_unchanged && proof.attributes_unchanged && extents;
  return whole ? Outcome::kSucceeded : Outcome::kIndeterminate;
}

}  // namespace pmend::engine
