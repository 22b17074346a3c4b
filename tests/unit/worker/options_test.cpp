// SPDX-License-Identifier: Apache-2.0
#include "worker/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmend::worker {
namespace {

using testing::HasSubstr;

TEST(WorkerOptions, RoleIsASubcommandOrASocketToListenOn) {
  EXPECT_EQ(parse_options({"observe", "--fd", "3"})->role, Role::kObserve);
  EXPECT_EQ(parse_options({"repair", "--fd", "3"})->role, Role::kRepair);
  const auto listening = parse_options({"--listen", "/run/x"});
  ASSERT_TRUE(listening.has_value());
  EXPECT_EQ(listening->role, Role::kListen);
  EXPECT_EQ(listening->socket, "/run/x");
}

TEST(WorkerOptions, ExactlyOneRoleIsNeeded) {
  const std::vector<std::vector<std::string>> lines = {
      {}, {"observe"}, {"observe", "repair"}, {"observe", "--listen", "/run/x"}, {"--listen", "/run/x", "repair"}};
  for (const auto& args : lines) {
    const auto options = parse_options(args);
    ASSERT_FALSE(options.has_value()) << testing::PrintToString(args);
    EXPECT_EQ(options.error().status, 64);
  }
}

TEST(WorkerOptions, OptionsMayStandBeforeAndAfterTheRole) {
  const auto options =
      parse_options({"--sysfs", "y", "repair", "--fd=3", "--spool-dir", "p", "--runtime-dir=r", "--log", "journal"});
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->role, Role::kRepair);
  EXPECT_EQ(options->sysfs, "y");
  EXPECT_EQ(options->spool_dir, "p");
  EXPECT_EQ(options->runtime_dir, "r");
  EXPECT_EQ(options->log, cli::LogTarget::kJournal);
}

TEST(WorkerOptions, MistakesEndWith64AndNameTheOption) {
  const std::vector<std::vector<std::string>> lines = {
      {"observe", "--frobnicate"},  {"observe", "--fd", "-1"}, {"observe", "stray"}, {"--listen"}, {"--listen", ""},
      {"repair", "--log", "syslog"}};
  const std::vector<std::string> named = {"--frobnicate", "--fd", "stray", "--listen", "--listen", "--log"};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto options = parse_options(lines[i]);
    ASSERT_FALSE(options.has_value()) << named[i];
    EXPECT_EQ(options.error().status, 64);
    EXPECT_THAT(options.error().err, HasSubstr(named[i]));
  }
}

}  // namespace
}  // namespace pmend::worker
