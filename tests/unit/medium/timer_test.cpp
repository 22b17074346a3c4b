// SPDX-License-Identifier: Apache-2.0
#include "medium/timer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace pmend::medium {
namespace {

using testing::ElementsAre;

SteadyTime never() {
  return SteadyTime(std::chrono::hours(1'000'000));
}

TEST(Timer, CallsWhatIsDueInTheOrderOfTime) {
  Timer timer;
  std::vector<int> calls;
  std::promise<void> last;
  timer.at(SteadyTime(std::chrono::seconds(2)), [&](Timer::Wake) { calls.push_back(2); });
  timer.at(SteadyTime(std::chrono::seconds(1)), [&](Timer::Wake) { calls.push_back(1); });
  timer.at(SteadyTime(std::chrono::seconds(2)), [&](Timer::Wake wake) {
    EXPECT_EQ(wake, Timer::Wake::kDue);
    calls.push_back(3);
    last.set_value();
  });
  timer.start();
  last.get_future().wait();
  timer.stop();
  EXPECT_THAT(calls, ElementsAre(1, 2, 3));
}

TEST(Timer, ATaskMayAddATask) {
  Timer timer;
  std::promise<void> second;
  timer.start();
  timer.at({}, [&](Timer::Wake) { timer.at({}, [&](Timer::Wake) { second.set_value(); }); });
  second.get_future().wait();
}

TEST(Timer, StopTellsEveryTaskThatWaits) {
  Timer timer;
  int stopped = 0;
  timer.start();
  for (int i = 0; i < 3; ++i) {
    timer.at(never(), [&](Timer::Wake wake) { stopped += wake == Timer::Wake::kStopped ? 1 : 0; });
  }
  timer.stop();
  EXPECT_EQ(stopped, 3);
  timer.at(never(), [&](Timer::Wake wake) { stopped += wake == Timer::Wake::kStopped ? 1 : 0; });
  EXPECT_EQ(stopped, 4);
}

}  // namespace
}  // namespace pmend::medium
