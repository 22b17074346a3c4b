// SPDX-License-Identifier: Apache-2.0
#include "medium/options.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace pmend::medium {
namespace {

tl::expected<Options, int> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "pmend-medium");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  auto options = parse_options(static_cast<int>(arguments.size()), arguments.data());
  testing::internal::GetCapturedStdout();
  testing::internal::GetCapturedStderr();
  return options;
}

TEST(Options, TakesAllOfThem) {
  const auto options =
      parse({"--image", "i", "--size", "1000", "--mount", "m", "--state", "s", "--ready-fd", "3", "--background"});
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->image, "i");
  EXPECT_EQ(options->bytes, 1000U);
  EXPECT_EQ(options->mount, "m");
  EXPECT_EQ(options->state, "s");
  EXPECT_EQ(options->ready_fd, 3);
  EXPECT_TRUE(options->background);
}

TEST(Options, TraceNeedsNothingElse) {
  EXPECT_EQ(parse({"--print-trace", "t"})->print_trace, "t");
}

TEST(Options, HelpAndVersionEndWell) {
  EXPECT_EQ(parse({"--help"}).error(), 0);
  EXPECT_EQ(parse({"--version"}).error(), 0);
}

TEST(Options, UsageErrorsAre64) {
  const std::vector<std::vector<const char*>> rows = {
      {},
      {"--image", "i"},
      {"--mount", "m"},
      {"--image", "", "--mount", ""},
      {"--image", "i", "--mount", "m", "--size", "-1"},
      {"--image", "i", "--mount", "m", "--size", "1M"},
      {"--image", "i", "--mount", "m", "--size", "18446744073709551616"},
      {"--image", "i", "--mount", "m", "--ready-fd", "-1"},
      {"--image", "i", "--mount", "m", "--ready-fd", "x"},
      {"--image", "i", "--mount", "m", "--nonsense"},
      {"--image", "i", "--mount", "m", "stray"},
      {"--image", "i", "--mount", "m", "--print-trace", "t"},
      {"--print-trace"}};
  for (const auto& row : rows) {
    const auto options = parse(row);
    ASSERT_FALSE(options.has_value()) << row.size();
    EXPECT_EQ(options.error(), kExitUsage) << row.size();
  }
}

}  // namespace
}  // namespace pmend::medium
