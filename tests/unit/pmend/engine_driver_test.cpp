// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine_driver.hpp"

#include "pmend/local_clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <memory>
#include <variant>

namespace pmend::daemon {
namespace {

class FixedClock final : public Clock {
 public:
  WallTime wall() const override { return WallTime(std::chrono::hours(24) + std::chrono::minutes(90)); }
  SteadyTime steady() const override { return SteadyTime(std::chrono::seconds(5)); }
};

class EngineDriverTest : public testing::Test {
 protected:
  std::unique_ptr<EngineDriver> driver() {
    return std::make_unique<EngineDriver>(io_, clock_,
                                          EngineDriver::Handlers{[this](const engine::Command& command) {
                                                                   if (on_command_) {
                                                                     on_command_();
                                                                   }
                                                                   commands_.push_back(command);
                                                                 },
                                                                 [this] { ++settled_; }});
  }

  boost::asio::io_context io_{1};
  FixedClock clock_;
  std::function<void()> on_command_;
  engine::Commands commands_;
  int settled_ = 0;
};

TEST_F(EngineDriverTest, InputsOfOneWakeUpAreHandledTogether) {
  const auto one = driver();
  one->put(engine::PolicyLoaded{});
  one->put(engine::Loaded{});
  EXPECT_TRUE(commands_.empty());
  io_.run();
  EXPECT_EQ(settled_, 1);
  ASSERT_FALSE(commands_.empty());
  EXPECT_TRUE(std::holds_alternative<engine::Inspect>(commands_.back()));
}

TEST_F(EngineDriverTest, WhatACommandCausesIsHandledAfterIt) {
  const auto one = driver();
  on_command_ = [&] {
    one->put(engine::MountsChanged{});
    EXPECT_EQ(settled_, 0);
    on_command_ = nullptr;
  };
  one->put(engine::PolicyLoaded{});
  one->put(engine::Loaded{});
  io_.run();
  EXPECT_EQ(settled_, 2);
}

TEST_F(EngineDriverTest, EveryWakeUpBeginsWithTheClocks) {
  const auto one = driver();
  one->put(engine::MountsChanged{});
  io_.run();
  const std::string flight = one->flight().dump();
  EXPECT_LT(flight.find("\"tick\""), flight.find("\"mounts-changed\""));
  EXPECT_THAT(flight, testing::HasSubstr("1970-01-02T01:30:00Z"));
}

TEST_F(EngineDriverTest, ADestroyedOneIsNotCalled) {
  auto one = driver();
  one->put(engine::Loaded{});
  one.reset();
  io_.run();
  EXPECT_EQ(settled_, 0);
}

TEST(LocalClock, ShowsDayAndMinuteOfTheZone) {
  setenv("TZ", "UTC-2", 1);  // two hours east
  tzset();
  const FixedClock clock;
  EXPECT_EQ(tick_of(clock).local, (LocalTime{Weekday::kFriday, 3 * 60 + 30}));
  unsetenv("TZ");
  tzset();
}

}  // namespace
}  // namespace pmend::daemon
