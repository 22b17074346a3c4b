// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/child.hpp"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

namespace pmend::repair {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLong{60'000};

TEST(Child, ReturnsWhatItsWorkReturns) {
  const auto result = run_in_child(kLong, [] { return 7; });
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->end, ChildEnd::kExited);
  EXPECT_EQ(result->value, 7);
}

TEST(Child, SharesItsFindingsThroughTheBuffer) {
  auto buffer = SharedBuffer::create(10000);
  ASSERT_TRUE(buffer.has_value());
  const auto result = run_in_child(kLong, [&] {
    std::memcpy(buffer->bytes().data() + 5000, "found", 5);
    return 0;
  });
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(std::memcmp(buffer->bytes().data() + 5000, "found", 5), 0);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer->bytes().data()) % 4096, 0U);
}

TEST(Child, DyingOfABadPageIsAnAnswerAndHurtsNobody) {
  const auto result = run_in_child(kLong, [] {
    (void)std::raise(SIGBUS);
    return 0;
  });
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->end, ChildEnd::kSignal);
  EXPECT_EQ(result->value, SIGBUS);
}

TEST(Child, IsKilledAndReapedAtItsLimit) {
  const auto result = run_in_child(milliseconds(1), [] {
    while (true) {
      pause();
    }
    return 0;
  });
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->end, ChildEnd::kTimedOut);
  EXPECT_EQ(kill(result->pid, 0), -1) << "it must be gone";
}

TEST(Child, NoAnswerIsNeitherGoodNorBad) {
  EXPECT_TRUE(failed_child({ChildEnd::kTimedOut, 0, 12}, "read").value().is(Errc::kTimedOut));
  const Error stuck = failed_child({ChildEnd::kStuck, 0, 12}, "read").value();
  EXPECT_TRUE(stuck.is(Errc::kTimedOut));
  EXPECT_NE(stuck.message().find("12"), std::string::npos) << "names the process that hangs";
}

}  // namespace
}  // namespace pmend::repair
