// SPDX-License-Identifier: Apache-2.0
#include "client/worker_calls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace pmend::client {
namespace {

using protocol::Reply;
using protocol::Verb;
using std::chrono::seconds;
using testing::HasSubstr;

class WorkerCallsTest : public testing::Test {
 protected:
  RequestId ask(Verb verb, seconds deadline = seconds(5)) {
    return calls_
        .ask(
            {verb, Json{{"device", "/dev/x"}}, deadline},
            [this](WorkerCalls::Answer answer) { answers_.push_back(std::move(answer)); }, now_)
        .id;
  }
  Result<std::optional<protocol::Request>> take(RequestId id, Json body, std::optional<std::string> cursor = {}) {
    return calls_.take({id, std::move(body), std::nullopt, std::move(cursor)}, now_);
  }

  WorkerCalls calls_;
  SteadyTime now_{seconds(100)};
  std::vector<WorkerCalls::Answer> answers_;
};

TEST_F(WorkerCallsTest, EachAnswerGoesToItsQuestion) {
  const RequestId first = ask(Verb::kInspect);
  const RequestId second = ask(Verb::kWatch);
  EXPECT_LT(first, second);
  ASSERT_TRUE(take(second, Json{{"n", 2}}));
  ASSERT_TRUE(take(first, Json{{"n", 1}}));
  ASSERT_EQ(answers_.size(), 2U);
  EXPECT_EQ(answers_[0].value(), (Json{{"n", 2}}));
  EXPECT_EQ(answers_[1].value(), (Json{{"n", 1}}));
  EXPECT_TRUE(calls_.empty());
}

TEST_F(WorkerCallsTest, ErrorsAreAnswers) {
  const protocol::ReplyError error{protocol::ErrorCode::kBusy, "taken"};
  ASSERT_TRUE(calls_.take({ask(Verb::kRepair), std::nullopt, error, std::nullopt}, now_));
  EXPECT_EQ(answers_.at(0).error(), error);
}

TEST_F(WorkerCallsTest, PagesAreJoined) {
  const auto second = take(ask(Verb::kObserve), Json{{"boot_id", "b"}, {"ranges", {1, 2}}}, "p2");
  ASSERT_TRUE(second && second->has_value());
  EXPECT_EQ((*second)->cursor, "p2");
  EXPECT_EQ((*second)->verb, Verb::kObserve);
  EXPECT_EQ((*second)->body, (Json{{"device", "/dev/x"}}));
  EXPECT_TRUE(answers_.empty());
  ASSERT_TRUE(take((*second)->id, Json{{"boot_id", "c"}, {"ranges", {3}}}));
  EXPECT_EQ(answers_.at(0).value(), (Json{{"boot_id", "b"}, {"ranges", {1, 2, 3}}}));
}

TEST_F(WorkerCallsTest, PagesWithoutAListBreakTheProtocol) {
  EXPECT_THAT(take(ask(Verb::kObserve), Json{{"ranges", 7}}, "p2").error().what, HasSubstr("observe"));
  EXPECT_FALSE(take(ask(Verb::kInspect), Json{{"locks", Json::array()}}, "p2"));
  EXPECT_FALSE(take(ask(Verb::kList), Json::array(), "p2"));
  EXPECT_TRUE(answers_.empty());
  EXPECT_TRUE(calls_.empty());
}

TEST_F(WorkerCallsTest, PagesWithoutEndBreakTheProtocol) {
  RequestId id = ask(Verb::kList);
  int pages = 0;
  for (auto next = take(id, Json{{"ranges", {1}}}, "more"); next; next = take(id, Json{{"ranges", {1}}}, "more")) {
    id = (*next)->id;
    ASSERT_LT(++pages, 10'000);
  }
  EXPECT_TRUE(calls_.empty());
}

TEST_F(WorkerCallsTest, RepliesToNobodyAreIgnored) {
  const auto next = take({17}, Json::object());
  EXPECT_TRUE(next && !next->has_value());
  const RequestId id = ask(Verb::kInspect);
  ASSERT_TRUE(take(id, Json::object()));
  ASSERT_TRUE(take(id, Json::object()));
  EXPECT_EQ(answers_.size(), 1U);
}

TEST_F(WorkerCallsTest, WhatCannotBeSentIsAnsweredOnce) {
  const RequestId id = ask(Verb::kPlan);
  calls_.refuse(id, {protocol::ErrorCode::kTooLarge, "large"});
  calls_.refuse(id, {protocol::ErrorCode::kTooLarge, "large"});
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].error().code, protocol::ErrorCode::kTooLarge);
}

TEST_F(WorkerCallsTest, TheWorkerHasALittleLongerThanTheDeadline) {
  EXPECT_EQ(calls_.overdue_at(), std::nullopt);
  const RequestId slow = ask(Verb::kRepair, seconds(600));
  const RequestId quick = ask(Verb::kList, seconds(5));
  const auto first = calls_.overdue_at();
  ASSERT_TRUE(first);
  EXPECT_GT(*first, now_ + seconds(5));
  EXPECT_LT(*first, now_ + seconds(60));
  now_ += seconds(3);
  const auto page = take(quick, Json{{"ranges", {1}}}, "more");  // each page has its own time
  EXPECT_EQ(calls_.overdue_at(), *first + seconds(3));
  ASSERT_TRUE(take((*page)->id, Json{{"ranges", {1}}}));
  EXPECT_GT(calls_.overdue_at(), now_ + seconds(590));
  ASSERT_TRUE(take(slow, Json::object()));
  EXPECT_EQ(calls_.overdue_at(), std::nullopt);
}

}  // namespace
}  // namespace pmend::client
