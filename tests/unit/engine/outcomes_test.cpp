// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/outcomes.hpp"

#include <gtest/gtest.h>

#include <map>

namespace pmend::engine {
namespace {

TEST(Outcomes, EachLeadsWhereItShould) {
  const std::map<Outcome, AfterJob> expected = {
      {Outcome::kSucceeded, AfterJob::kRepaired},      {Outcome::kUnnecessary, AfterJob::kLookAgain},
      {Outcome::kPartlyDone, AfterJob::kLookAgain},    {Outcome::kBusyRetry, AfterJob::kWait},
      {Outcome::kTargetChanged, AfterJob::kLookAgain}, {Outcome::kNotSupported, AfterJob::kFailed},
      {Outcome::kRefused, AfterJob::kBlocked},         {Outcome::kPermanentFailure, AfterJob::kFailed},
      {Outcome::kInterrupted, AfterJob::kLookAgain},   {Outcome::kIndeterminate, AfterJob::kResume},
  };
  ASSERT_EQ(expected.size(), kOutcomeNames.size());
  for (const auto& [outcome, way] : expected) {
    EXPECT_EQ(after(outcome), way) << to_string(outcome);
  }
}

TEST(Outcomes, NoErrorOfAWorkerIsASuccess) {
  for (const auto& code : protocol::kErrorCodeNames) {
    EXPECT_NE(outcome_of(code.value), Outcome::kSucceeded) << code.name;
    EXPECT_NE(outcome_of(code.value), Outcome::kIndeterminate) << code.name;
  }
}

TEST(Outcomes, ASuccessWithoutAWholeProofIsIndeterminate) {
  const Proof whole{true, true, true, "a", "a", true};
  protocol::RepairReply reply;
  reply.outcome = Outcome::kSucceeded;
  EXPECT_EQ(proven_outcome(reply, Method::kRewrite), Outcome::kIndeterminate);
  reply.proof = whole;
  EXPECT_EQ(proven_outcome(reply, Method::kRewrite), Outcome::kSucceeded);
  for (bool Proof::*part :
       {&Proof::badblocks_clear, &Proof::read_back, &Proof::neighbours_unchanged, &Proof::attributes_unchanged}) {
    Proof proof = whole;
    proof.*part = false;
    reply.proof = proof;
    EXPECT_EQ(proven_outcome(reply, Method::kRewrite), Outcome::kIndeterminate);
  }
}

TEST(Outcomes, OnlyAnExchangeMayChangeTheExtents) {
  protocol::RepairReply reply;
  reply.outcome = Outcome::kSucceeded;
  reply.proof = Proof{true, true, true, "a", "b", true};
  EXPECT_EQ(proven_outcome(reply, Method::kExchange), Outcome::kSucceeded);
  EXPECT_EQ(proven_outcome(reply, Method::kRewrite), Outcome::kIndeterminate);
}

TEST(Outcomes, OnlyAnExchangeOrAPunchMayLeaveTheBlockBad) {
  protocol::RepairReply reply;
  reply.outcome = Outcome::kSucceeded;
  reply.proof = Proof{false, true, true, "a", "b", true};
  EXPECT_EQ(proven_outcome(reply, Method::kExchange), Outcome::kSucceeded);
  reply.proof = Proof{false, true, true, "a", "a", true};
  EXPECT_EQ(proven_outcome(reply, Method::kPunch), Outcome::kSucceeded);
  EXPECT_EQ(proven_outcome(reply, Method::kRewrite), Outcome::kIndeterminate);
}

}  // namespace
}  // namespace pmend::engine
