// SPDX-License-Identifier: Apache-2.0
#include "client/worker_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

namespace pmend::client {
namespace {

using protocol::Hello;
using protocol::Role;
using std::chrono::hours;
using testing::HasSubstr;

// The worker that is connected to is this test; the process that it says it is, is a child of its own.
class WorkerProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "pmend-worker-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    listener_ = loop::listen_message_socket(directory_ / "observe").value();
    child_ = loop::ChildProcess::start(io_, {{"/bin/sleep", "1000"}, {}}, [this](int) { child_gone_ = true; }).value();
  }
  void TearDown() override {
    child_->signal(SIGKILL);
    run_until([this] { return child_gone_; });
    std::filesystem::remove_all(directory_);
  }

  void run_until(const std::function<bool()>& holds) {
    while (!holds()) {
      io_.run_one();
    }
  }

  void start(const WorkerLimits& limits = {hours(1), hours(1), hours(1)}) {
    worker_ = WorkerProcess::start(io_, {.socket = directory_}, Role::kObserve,
                                   {[this](protocol::Message message) { messages_.push_back(std::move(message)); },
                                    [this] { stuck_ = true; }, [this](const std::string& why) { gone_ = why; }},
                                   limits)
                  .value();
    peer_ = UniqueFd(accept(listener_.get(), nullptr, nullptr));
    ASSERT_TRUE(peer_);
  }

  void say(const protocol::Message& message) {
    const std::string datagram = protocol::encode(message).value();
    ASSERT_GT(::send(peer_.get(), datagram.data(), datagram.size(), 0), 0);
  }
  Hello hello() const { return {protocol::kVersion, Role::kObserve, static_cast<std::uint32_t>(child_->pid())}; }

  boost::asio::io_context io_{1};
  std::filesystem::path directory_;
  UniqueFd listener_;
  UniqueFd peer_;
  std::unique_ptr<loop::ChildProcess> child_;
  bool child_gone_ = false;
  std::vector<protocol::Message> messages_;
  bool stuck_ = false;
  std::optional<std::string> gone_;
  std::unique_ptr<WorkerProcess> worker_;
};

TEST_F(WorkerProcessTest, TheEndOfTheConnectionIsNotTheEndOfTheProcess) {
  start();
  say(hello());
  say(protocol::Reply{{1}, Json::object(), {}, {}});
  peer_.reset();
  run_until([&] { return !messages_.empty(); });
  while (io_.poll_one() > 0) {
  }
  EXPECT_FALSE(worker_->send(protocol::Cancel{{1}}));
  EXPECT_EQ(gone_, std::nullopt);
  child_->signal(SIGKILL);
  run_until([&] { return gone_.has_value(); });
  EXPECT_THAT(*gone_, HasSubstr("closed by the peer"));
}

TEST_F(WorkerProcessTest, OneThatDoesNotEndWithItsConnectionIsKilled) {
  start({hours(1), std::chrono::milliseconds(0), hours(1)});
  say(hello());
  say(protocol::Reply{{1}, Json::object(), {}, {}});
  run_until([&] { return !messages_.empty(); });
  worker_->finish();
  run_until([&] { return gone_.has_value() && child_gone_; });
  EXPECT_FALSE(stuck_);
}

TEST_F(WorkerProcessTest, WhatItSaidLastIsHeardBeforeItIsGone) {
  start();
  say(hello());
  for (std::uint64_t i = 1; i <= 100; ++i) {
    say(protocol::Reply{{i}, Json::object(), {}, {}});
  }
  child_->signal(SIGKILL);
  run_until([&] { return child_gone_; });
  peer_.reset();
  run_until([&] { return gone_.has_value(); });
  EXPECT_EQ(messages_.size(), 100U);
}

TEST_F(WorkerProcessTest, OneThatWasConnectedToAndNeverSaidHelloIsGoneWithItsConnection) {
  start();
  peer_.reset();
  run_until([&] { return gone_.has_value(); });
  EXPECT_FALSE(child_gone_);
}

TEST_F(WorkerProcessTest, OneThatSaysNothingIsGivenUp) {
  start({std::chrono::milliseconds(0), hours(1), hours(1)});
  run_until([&] { return gone_.has_value(); });
  EXPECT_EQ(*gone_, "it did not say hello in time");
}

TEST_F(WorkerProcessTest, AnotherVersionIsRefused) {
  start();
  Hello other = hello();
  other.version = 7;
  say(other);
  run_until([&] { return gone_.has_value(); });
  EXPECT_THAT(*gone_, HasSubstr("version 7"));
}

TEST_F(WorkerProcessTest, HelloComesFirstAndOnce) {
  start();
  say(protocol::Cancel{{1}});
  run_until([&] { return gone_.has_value(); });
  EXPECT_EQ(*gone_, "it did not say hello first");
  gone_.reset();
  start();
  say(hello());
  say(hello());
  run_until([&] { return gone_.has_value(); });
  EXPECT_THAT(*gone_, HasSubstr("it said hello twice"));
  EXPECT_TRUE(messages_.empty());
}

TEST_F(WorkerProcessTest, AMissingProgramAndAMissingSocketAreErrors) {
  const auto program = WorkerProcess::start(io_, {.program = "/nonexistent/worker"}, Role::kRepair, {});
  EXPECT_THAT(program.error().message(), HasSubstr("start /nonexistent/worker: No such file"));
  const auto socket = WorkerProcess::start(io_, {.socket = directory_}, Role::kRepair, {});
  EXPECT_THAT(socket.error().message(), HasSubstr("/repair"));
}

}  // namespace
}  // namespace pmend::client
