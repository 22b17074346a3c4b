// SPDX-License-Identifier: Apache-2.0
#include "pmend/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmend::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(PmendOptions, DefaultsAreThePlacesOfAnInstalledSystem) {
  const auto options = parse_options({});
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->config, "/etc/pmend/pmend.json");
  EXPECT_THAT(options->policy_dirs,
              ElementsAre("/usr/lib/pmend/policy.d", "/run/pmend/policy.d", "/etc/pmend/policy.d"));
  EXPECT_EQ(options->state_dir, "/var/lib/pmend");
  EXPECT_EQ(options->spool_dir, "/var/lib/pmend-worker/spool");
  EXPECT_EQ(options->runtime_dir, "/run/pmend");
  EXPECT_EQ(options->sysfs, "/sys");
  EXPECT_EQ(options->bus.kind, cli::Bus::Kind::kSystem);
  EXPECT_THAT(options->worker, testing::EndsWith("/pmend-worker"));
  EXPECT_EQ(options->log, cli::LogTarget::kStderr);
  EXPECT_FALSE(options->check_config);
}

TEST(PmendOptions, EveryPlaceCanBeMoved) {
  const auto options = parse_options({"--config", "c", "--state-dir=s", "--spool-dir", "p", "--runtime-dir", "r",
                                      "--sysfs", "y", "--worker", "unix:/w", "--log", "journal", "--check-config"});
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->config, "c");
  EXPECT_EQ(options->state_dir, "s");
  EXPECT_EQ(options->spool_dir, "p");
  EXPECT_EQ(options->runtime_dir, "r");
  EXPECT_EQ(options->sysfs, "y");
  EXPECT_EQ(options->worker, "unix:/w");
  EXPECT_EQ(options->log, cli::LogTarget::kJournal);
  EXPECT_TRUE(options->check_config);
}

TEST(PmendOptions, PolicyDirsReplaceTheDefaultsAndKeepTheirOrder) {
  const auto options = parse_options({"--policy-dir", "/b", "--policy-dir", "/a"});
  ASSERT_TRUE(options.has_value());
  EXPECT_THAT(options->policy_dirs, ElementsAre("/b", "/a"));
}

TEST(PmendOptions, BusIsSystemSessionOrAnAddress) {
  EXPECT_EQ(parse_options({"--bus", "session"})->bus.kind, cli::Bus::Kind::kSession);
  EXPECT_EQ(parse_options({"--bus", "system"})->bus.kind, cli::Bus::Kind::kSystem);
  const cli::Bus expected{.kind = cli::Bus::Kind::kAddress, .address = "unix:path=/run/x"};
  EXPECT_EQ(parse_options({"--bus", "unix:path=/run/x"})->bus, expected);
}

struct BadLine {
  std::vector<std::string> args;
  std::string named;  // what the message must name
};

TEST(PmendOptions, MistakesEndWith64AndNameTheOption) {
  const std::vector<BadLine> lines = {
      {{"--frobnicate"}, "--frobnicate"},
      {{"stray"}, "stray"},
      {{"--config"}, "--config"},
      {{"--config", ""}, "--config"},
      {{"--config", "a", "--config", "b"}, "--config"},
      {{"--policy-dir", "a", "b"}, "b"},
      {{"--policy-dir", ""}, "--policy-dir"},
      {{"--bus", "elsewhere"}, "--bus"},
      {{"--bus", ":a=b"}, "--bus"},
      {{"--bus", ""}, "--bus"},
      {{"--log", "syslog"}, "--log"},
      {{"--worker", "unix:"}, "--worker"},
      {{"--check-config=maybe"}, "--check-config"},
      {{"--conf", "x"}, "--conf"},
  };
  for (const BadLine& line : lines) {
    const auto options = parse_options(line.args);
    ASSERT_FALSE(options.has_value()) << line.args.front();
    EXPECT_EQ(options.error().status, 64) << line.args.front();
    EXPECT_THAT(options.error().err, HasSubstr(line.named));
    EXPECT_EQ(options.error().err.find('\n'), options.error().err.size() - 1) << options.error().err;
    EXPECT_EQ(options.error().out, "");
  }
}

TEST(PmendOptions, HelpDescribesEveryOption) {
  const auto options = parse_options({"--help"});
  ASSERT_FALSE(options.has_value());
  EXPECT_EQ(options.error().status, 0);
  for (const char* name : {"--config", "--policy-dir", "--state-dir", "--spool-dir", "--runtime-dir", "--sysfs",
                           "--bus", "--worker", "--log", "--check-config", "--version"}) {
    EXPECT_THAT(options.error().out, HasSubstr(name));
  }
}

}  // namespace
}  // namespace pmend::daemon
