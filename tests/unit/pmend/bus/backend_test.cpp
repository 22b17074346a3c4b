// SPDX-License-Identifier: Apache-2.0
#include "pmend/bus/backend.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace pmend::bus {
namespace {

TEST(Reply, CountsOnce) {
  std::vector<int> taken;
  const Reply<int> reply([&](const Answer<int>& answer) { taken.push_back(answer.value()); });
  const Reply<int> copy = reply;
  copy(1);
  reply(2);
  EXPECT_EQ(taken, std::vector<int>{1});
}

TEST(Reply, ThatNobodyGivesIsUnavailable) {
  std::vector<Answer<int>> taken;
  {
    const Reply<int> reply([&](const Answer<int>& answer) { taken.push_back(answer); });
  }
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken.front().error().code, ErrorCode::kUnavailable);
}

TEST(Reply, MayLetGoOfItselfWhileItIsGiven) {
  std::unique_ptr<Reply<int>> reply;
  int calls = 0;
  reply = std::make_unique<Reply<int>>([&](const Answer<int>&) {
    ++calls;
    reply.reset();
  });
  const Reply<int> held = *reply;
  held(1);
  EXPECT_EQ(calls, 1);
}

TEST(FailureOf, TellsWhatACallerCanActOn) {
  EXPECT_EQ(failure_of(fail(Errc::kNotFound, "x").value()).code, ErrorCode::kNotFound);
  EXPECT_EQ(failure_of(fail_errno("x", ENOENT).value()).code, ErrorCode::kNotFound);
  EXPECT_EQ(failure_of(fail(Errc::kStale, "x").value()).code, ErrorCode::kStalePlan);
  EXPECT_EQ(failure_of(fail(Errc::kInvalid, "x").value()).code, ErrorCode::kInvalid);
  EXPECT_EQ(failure_of(fail_errno("x", EBUSY).value()).code, ErrorCode::kBusy);
  EXPECT_EQ(failure_of(fail(Errc::kTimedOut, "x").value()).code, ErrorCode::kBusy);
  EXPECT_EQ(failure_of(fail_errno("x", EIO).value()).code, ErrorCode::kUnavailable);
  EXPECT_EQ(failure_of(fail(Errc::kCorrupt, "x").value()).what, fail(Errc::kCorrupt, "x").value().message());
}

}  // namespace
}  // namespace pmend::bus
