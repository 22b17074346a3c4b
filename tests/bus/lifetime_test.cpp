// SPDX-License-Identifier: Apache-2.0
#include "bus/connect.hpp"
#include "bus_service_test.hpp"
#include "pmend/bus/pending_calls.hpp"
#include "samples.hpp"

#include <gmock/gmock.h>

#include <array>
#include <future>
#include <vector>

// Answers that come late, too many of them, and a bus that goes.
namespace pmend::testing {
namespace {

using bus::Dict;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace std::chrono_literals;

TEST_F(BusServiceTest, AnswersThatComeAfterTheServiceAreDropped) {
  publish_samples();
  server_->run([](RunningService& server) { server.backend.held_back.emplace(); });
  auto caller = connect();
  auto proxy = sdbus::createProxy(std::move(caller), bus::kBusName, bus::kRootPath);
  std::promise<std::string> answered;
  proxy->callMethodAsync("GetIncident")
      .onInterface(bus::kManagerInterface)
      .withArguments(std::uint64_t{7})
      .withTimeout(1s)
      .uponReplyInvoke([&](const sdbus::Error* error, const Dict&) {
        answered.set_value(error == nullptr ? "an answer" : error->getName());
      });
  wait_until_asked(1);
  server_->drop_service();
  server_->run([](RunningService& server) {
    ASSERT_THAT(*server.backend.held_back, SizeIs(1));
    server.backend.held_back->front()(samples::incident());
  });
  EXPECT_NE(answered.get_future().get(), "an answer");
}

TEST_F(BusServiceTest, ALateAnswerIsAnAnswerAndAForgottenOneIsUnavailable) {
  publish_samples();
  server_->run([](RunningService& server) { server.backend.held_back.emplace(); });
  auto proxy = proxy_of_its_own();
  std::array<std::promise<std::string>, 2> answers;
  for (auto& answer : answers) {
    proxy->callMethodAsync("GetIncident")
        .onInterface(bus::kManagerInterface)
        .withArguments(std::uint64_t{7})
        .uponReplyInvoke([&answer](const sdbus::Error* error, const Dict& dict) {
          answer.set_value(error == nullptr ? dict.json["state"].dump() : error->getName());
        });
  }
  wait_until_asked(2);
  server_->run([](RunningService& server) {
    ASSERT_THAT(*server.backend.held_back, SizeIs(2));
    server.backend.held_back->front()(samples::incident());
    server.backend.held_back->clear();
  });
  EXPECT_EQ(answers[0].get_future().get(), "\"held\"");
  EXPECT_EQ(answers[1].get_future().get(), bus::kErrorUnavailable);
}

TEST_F(BusServiceTest, RefusesMoreCallsThanItCanKeep) {
  publish_samples();
  server_->run([](RunningService& server) { server.backend.held_back.emplace(); });
  constexpr std::size_t kPerCaller = 103;  // the bus itself allows 128
  std::atomic<int> refused = 0;
  std::promise<void> all;
  std::vector<std::unique_ptr<sdbus::IProxy>> callers;
  for (std::size_t i = 0; i < bus::PendingCalls::kMost + 3; ++i) {
    if (i % kPerCaller == 0) {
      callers.push_back(proxy_of_its_own());
    }
    callers.back()
        ->callMethodAsync("GetIncident")
        .onInterface(bus::kManagerInterface)
        .withArguments(std::uint64_t{7})
        .withTimeout(60s)
        .uponReplyInvoke([&](const sdbus::Error* error, const Dict&) {
          if (error != nullptr && error->getName() == bus::kErrorBusy && ++refused == 3) {
            all.set_value();
          }
        });
  }
  EXPECT_EQ(all.get_future().wait_for(30s), std::future_status::ready);
  server_->run([](RunningService& server) {
    EXPECT_THAT(*server.backend.held_back, SizeIs(bus::PendingCalls::kMost));
    server.backend.held_back.reset();
  });
  callers.clear();
}

TEST_F(BusServiceTest, TellsOnceThatTheBusHasGone) {
  publish_samples();
  bus_->kill();
  auto lost = server_->lost.get_future();
  ASSERT_EQ(lost.wait_for(10s), std::future_status::ready);
  server_->run([](RunningService& server) {
    Incident incident = samples::incident();
    incident.state = IncidentState::kQueued;
    server.service->publish(incident);
    server.service->state({.state = bus::RunState::kPaused});
  });
  server_->run([](RunningService& server) { server.service.reset(); });
  EXPECT_EQ(server_->losses, 1);
}

TEST_F(BusServiceTest, SaysThatTheNameIsTaken) {
  auto connection = connect();
  boost::asio::io_context io{1};
  auto pump = bus::BusPump::start(io, *connection, [](const std::string&) {});
  ASSERT_TRUE(pump.has_value());
  FakeBackend backend;
  CollectingSink log;
  auto second = bus::BusService::make({*connection, *pump, backend, log}, "0.1.0");
  ASSERT_TRUE(second.has_value());
  const Status claimed = (*second)->claim_name();
  ASSERT_FALSE(claimed.has_value());
  EXPECT_TRUE(claimed.error().is_errno(EEXIST)) << claimed.error().message();
  EXPECT_THAT(claimed.error().what, HasSubstr("claim the bus name org.pmend1"));
}

}  // namespace
}  // namespace pmend::testing
