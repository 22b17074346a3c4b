// SPDX-License-Identifier: Apache-2.0
#include "loop/message_link.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace pmend::loop {
namespace {

using protocol::Cancel;
using protocol::Message;
using testing::HasSubstr;

class MessageLinkTest : public testing::Test {
 protected:
  void SetUp() override {
    auto pair = message_socket_pair();
    ASSERT_TRUE(pair.has_value());
    peer_ = std::move(pair->second);
    link_ = std::make_unique<MessageLink>(
        io_, std::move(pair->first),
        MessageLink::Handlers{[this](Message m) { on_message(std::move(m)); }, [this](std::string w) { end_ = w; }});
  }

  virtual void on_message(Message message) { received_.push_back(std::move(message)); }

  void put(const std::string& datagram) const {
    ASSERT_EQ(::send(peer_.get(), datagram.data(), datagram.size(), 0), static_cast<ssize_t>(datagram.size()));
  }

  boost::asio::io_context io_{1};
  UniqueFd peer_;
  std::unique_ptr<MessageLink> link_;
  std::vector<Message> received_;
  std::string end_;
};

TEST_F(MessageLinkTest, DeliversWholeMessagesInOrder) {
  for (std::uint64_t i = 1; i <= 3; ++i) {
    put(protocol::encode(Cancel{{i}}).value());
  }
  while (received_.size() < 3) {
    io_.run_one();
  }
  EXPECT_EQ(received_, (std::vector<Message>{Cancel{{1}}, Cancel{{2}}, Cancel{{3}}}));
}

TEST_F(MessageLinkTest, WhatThePeerSaidIsHeardAlsoIfItClosedWithoutReading) {
  ASSERT_TRUE(link_->send(Cancel{{9}}));
  put(protocol::encode(Cancel{{1}}).value());
  peer_.reset();
  while (end_.empty()) {
    io_.run_one();
  }
  EXPECT_EQ(received_, (std::vector<Message>{Cancel{{1}}}));
  EXPECT_EQ(end_, "closed by the peer");
}

TEST_F(MessageLinkTest, GarbageEndsTheLink) {
  put("{\"type\":\"hello\"");
  while (end_.empty()) {
    io_.run_one();
  }
  EXPECT_THAT(end_, HasSubstr("no valid message"));
  EXPECT_FALSE(link_->is_open());
  EXPECT_FALSE(link_->send(Cancel{{1}}).has_value());
}

TEST_F(MessageLinkTest, TellsWhenThePeerCloses) {
  peer_.reset();
  while (end_.empty()) {
    io_.run_one();
  }
  EXPECT_EQ(end_, "closed by the peer");
}

TEST_F(MessageLinkTest, KeepsOrderWhileThePeerIsSlow) {
  constexpr std::uint64_t kMany = 2000;
  for (std::uint64_t i = 1; i <= kMany; ++i) {
    ASSERT_TRUE(link_->send(Cancel{{i}}).has_value());
  }
  std::vector<char> buffer(protocol::kMaxMessageBytes);
  for (std::uint64_t i = 1; i <= kMany; ++i) {
    ssize_t n = -1;
    while ((n = recv(peer_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) < 0) {
      io_.run_one();
    }
    ASSERT_EQ(protocol::parse_message({buffer.data(), static_cast<std::size_t>(n)}).value(), Message(Cancel{{i}}));
  }
}

TEST_F(MessageLinkTest, RefusesMoreWhenThePeerDoesNotReadAtAll) {
  Status status;
  for (std::uint64_t i = 1; status && i < 1000000; ++i) {
    status = link_->send(Cancel{{i}});
  }
  ASSERT_FALSE(status.has_value());
  EXPECT_TRUE(status.error().is(Errc::kTimedOut));
}

class SelfDestroyingLinkTest : public MessageLinkTest {
 protected:
  void on_message(Message message) override {
    received_.push_back(std::move(message));
    link_.reset();
  }
};

TEST_F(SelfDestroyingLinkTest, MayBeDestroyedByItsOwnHandlerWithMoreToRead) {
  put(protocol::encode(Cancel{{1}}).value());
  put(protocol::encode(Cancel{{2}}).value());
  io_.run();
  EXPECT_EQ(received_.size(), 1U);
}

TEST(MessageSocket, SecondListenerIsRefusedAndADeadOneReplaced) {
  std::string pattern = std::filesystem::temp_directory_path() / "pmend-link-XXXXXX";
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  const std::string path = pattern + "/socket";
  {
    const auto first = listen_message_socket(path);
    ASSERT_TRUE(first.has_value());
    const auto second = listen_message_socket(path);
    ASSERT_FALSE(second.has_value());
    EXPECT_TRUE(second.error().is_errno(EADDRINUSE));
  }
  EXPECT_TRUE(listen_message_socket(path).has_value());
  std::filesystem::remove_all(pattern);
}

TEST(MessageSocket, PathThatDoesNotFitIsInvalid) {
  EXPECT_TRUE(connect_message_socket(std::string(200, 'x')).error().is(Errc::kInvalid));
}

}  // namespace
}  // namespace pmend::loop
