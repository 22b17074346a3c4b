// SPDX-License-Identifier: Apache-2.0
#include "loop/deadline.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

namespace pmend::loop {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;

TEST(Deadline, CallsOnceWhenItsTimeHasCome) {
  boost::asio::io_context io{1};
  int calls = 0;
  Deadline deadline(io);
  deadline.set(microseconds(0), [&] { ++calls; });
  EXPECT_TRUE(deadline.is_set());
  io.run();
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(deadline.is_set());
}

TEST(Deadline, SettingItAgainReplacesWhatWasSet) {
  boost::asio::io_context io{1};
  int first = 0;
  int second = 0;
  Deadline deadline(io);
  deadline.set(microseconds(0), [&] { ++first; });
  deadline.set(microseconds(0), [&] { ++second; });
  io.run();
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
}

TEST(Deadline, ExpiryThatIsAlreadyQueuedIsVoidAfterCancel) {
  boost::asio::io_context io{1};
  int calls = 0;
  Deadline first(io);
  Deadline second(io);
  // Both have expired before the loop runs; whichever comes first cancels the other, whose handler is queued.
  first.set(microseconds(-1), [&] {
    ++calls;
    second.cancel();
  });
  second.set(microseconds(-1), [&] {
    ++calls;
    first.cancel();
  });
  io.run();
  EXPECT_EQ(calls, 1);
}

TEST(Deadline, DestroyedDeadlineNeverCalls) {
  boost::asio::io_context io{1};
  auto deadline = std::make_unique<Deadline>(io);
  deadline->set(hours(1), [] { FAIL(); });
  deadline.reset();
  io.run();
}

TEST(Deadline, MayBeSetAgainByItsOwnCallback) {
  boost::asio::io_context io{1};
  int calls = 0;
  Deadline deadline(io);
  std::function<void()> again = [&] {
    if (++calls < 3) {
      deadline.set(microseconds(0), again);
    }
  };
  deadline.set(microseconds(0), again);
  io.run();
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace pmend::loop
