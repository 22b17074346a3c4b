// SPDX-License-Identifier: Apache-2.0
#include "ctl/patience.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <sstream>
#include <string>

namespace pmend::ctl {
namespace {

using testing::EndsWith;
using testing::StartsWith;

TEST(Patience, SaysWhatTakesLongAndWipesItAway) {
  std::ostringstream err;
  std::promise<void> asked;
  bool first = true;
  std::optional<Patience> patience;
  patience.emplace(
      err, true,
      [&] {
        if (std::exchange(first, false)) {
          asked.set_value();
        }
        return std::string("looking");
      },
      std::chrono::milliseconds(1));
  asked.get_future().wait();
  patience.reset();
  EXPECT_THAT(err.str(), StartsWith("\r\x1b[Klooking (0 s)"));
  EXPECT_THAT(err.str(), EndsWith(" s)\r\x1b[K"));
}

TEST(Patience, SaysNothingAboutWhatIsQuick) {
  std::ostringstream err;
  {
    const Patience patience(
        err, true, [] { return std::string("looking"); }, std::chrono::hours(1));
  }
  EXPECT_EQ(err.str(), "");
}

TEST(Patience, SaysNothingWhereNobodySees) {
  std::ostringstream err;
  {
    const Patience patience(
        err, false, [] { return std::string("looking"); }, std::chrono::milliseconds(0));
  }
  EXPECT_EQ(err.str(), "");
}

}  // namespace
}  // namespace pmend::ctl
