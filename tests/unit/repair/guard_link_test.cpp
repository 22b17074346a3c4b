// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/guard_link.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace pmend::repair {
namespace {

using std::chrono::milliseconds;

class GuardLink : public ::testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    worker_ = UniqueFd(ends[0]);
    guard_ = UniqueFd(ends[1]);
  }

  UniqueFd worker_;
  UniqueFd guard_;
};

GuardOrder write_order() {
  GuardOrder order;
  order.verb = GuardVerb::kWrite;
  order.still_bad = false;
  order.whole_pages = true;
  order.device_range = {1048576, 4096};
  order.sectors = "gLgggggg";
  order.bytes.assign(4096, std::byte{7});
  return order;
}

TEST_F(GuardLink, AnOrderArrivesWhole) {
  ASSERT_TRUE(send_order(worker_.get(), write_order(), {}).has_value());
  const auto received = receive_order(guard_.get(), milliseconds(1000));
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->order.verb, GuardVerb::kWrite);
  EXPECT_FALSE(received->order.still_bad);
  EXPECT_TRUE(received->order.whole_pages);
  EXPECT_EQ(received->order.device_range, (ByteRange{1048576, 4096}));
  EXPECT_EQ(received->order.sectors, "gLgggggg");
  EXPECT_EQ(received->order.bytes, write_order().bytes);
}

TEST_F(GuardLink, DescriptorsComeAlong) {
  GuardOrder order;
  order.verb = GuardVerb::kFreeze;
  order.limit = milliseconds(2000);
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(send_order(worker_.get(), order, {null.get(), worker_.get()}).has_value());
  const auto received = receive_order(guard_.get(), milliseconds(1000));
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->order.limit, milliseconds(2000));
  EXPECT_EQ(received->descriptors.size(), 2U);
}

TEST_F(GuardLink, WhatIsNoOrderIsRefused) {
  GuardOrder wrong_letters = write_order();
  wrong_letters.sectors = "g?";
  GuardOrder too_few = write_order();
  too_few.sectors = "g";
  for (const GuardOrder& order : {wrong_letters, too_few}) {
    ASSERT_TRUE(send_order(worker_.get(), order, {}).has_value());
    const auto received = receive_order(guard_.get(), milliseconds(1000));
    ASSERT_FALSE(received.has_value());
    EXPECT_TRUE(received.error().is(Errc::kInvalid));
  }
  ASSERT_EQ(send(worker_.get(), "thaw!", 5, 0), 5);
  EXPECT_TRUE(receive_order(guard_.get(), milliseconds(1000)).error().is(Errc::kInvalid));
}

TEST_F(GuardLink, TheOtherSideMayBeSilentOrGone) {
  EXPECT_TRUE(receive_order(guard_.get(), milliseconds(0)).error().is(Errc::kTimedOut));
  worker_.reset();
  EXPECT_TRUE(receive_order(guard_.get(), milliseconds(0)).error().is(Errc::kGone));
}

TEST_F(GuardLink, AReportArrives) {
  ASSERT_TRUE(send_report(guard_.get(), {GuardState::kThawed, 22, std::chrono::microseconds(1500)}).has_value());
  const auto report = receive_report(worker_.get(), milliseconds(1000));
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->state, GuardState::kThawed);
  EXPECT_EQ(report->error, 22);
  EXPECT_EQ(report->frozen, std::chrono::microseconds(1500));
}

}  // namespace
}  // namespace pmend::repair
