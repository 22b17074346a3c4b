// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/clock.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace pmend {
namespace {

using std::chrono::seconds;

TEST(Rfc3339, PrintsWholeSecondsInUtc) {
  EXPECT_EQ(to_rfc3339(WallTime{seconds(1795338000)}), "2026-11-22T09:00:00Z");
  EXPECT_EQ(to_rfc3339(WallTime{seconds(0)}), "1970-01-01T00:00:00Z");
}

TEST(Rfc3339, RoundsDownAlsoBeforeTheEpoch) {
  EXPECT_EQ(to_rfc3339(WallTime{std::chrono::microseconds(-1)}), "1969-12-31T23:59:59Z");
}

TEST(Rfc3339, ReadsWhatItPrints) {
  const auto time = from_rfc3339("2026-11-22T09:00:00Z");
  ASSERT_TRUE(time.has_value());
  EXPECT_EQ(*time, WallTime{seconds(1795338000)});
}

TEST(Rfc3339, RefusesEverythingElse) {
  for (const char* text : {"", "2026-11-22", "2026-11-22T09:00:00", "2026-11-22T09:00:00+01:00", "2026-02-30T00:00:00Z",
                           "2026-1-2T00:00:00Z", "2026-11-22T09:00:00Z ", " 2026-11-22T09:00:00Z"}) {
    EXPECT_FALSE(from_rfc3339(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace pmend
