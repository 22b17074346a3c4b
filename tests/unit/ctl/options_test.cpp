// SPDX-License-Identifier: Apache-2.0
#include "ctl/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmend::ctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(CtlOptions, WithoutAVerbItIsStatus) {
  const auto options = parse_options({});
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->verb, Verb::kStatus);
  EXPECT_FALSE(options->json);
  EXPECT_EQ(options->bus.kind, cli::Bus::Kind::kSystem);
}

struct GoodLine {
  std::vector<std::string> args;
  Verb verb;
};

TEST(CtlOptions, EveryVerbIsKnown) {
  const std::vector<GoodLine> lines = {
      {{"status"}, Verb::kStatus},
      {{"devices"}, Verb::kDevices},
      {{"list"}, Verb::kList},
      {{"show", "7"}, Verb::kShow},
      {{"report", "7"}, Verb::kReport},
      {{"locate", "/dev/pmem0", "4096", "512"}, Verb::kLocate},
      {{"locate", "/srv/a"}, Verb::kLocate},
      {{"explain", "7"}, Verb::kExplain},
      {{"approve", "7", "8"}, Verb::kApprove},
      {{"dismiss", "7"}, Verb::kDismiss},
      {{"retry", "7"}, Verb::kRetry},
      {{"pause"}, Verb::kPause},
      {{"resume"}, Verb::kResume},
      {{"scrub", "/dev/pmem0"}, Verb::kScrub},
      {{"resume", "/dev/pmem0"}, Verb::kResume},
      {{"evacuate-list", "/dev/pmem0"}, Verb::kEvacuateList},
      {{"watch"}, Verb::kWatch},
      {{"policy", "check"}, Verb::kPolicyCheck},
      {{"policy", "test", "cases.json"}, Verb::kPolicyTest},
      {{"policy", "show"}, Verb::kPolicyShow},
      {{"policy", "reload"}, Verb::kPolicyReload},
      {{"metrics"}, Verb::kMetrics},
      {{"drill"}, Verb::kDrill},
  };
  for (const GoodLine& line : lines) {
    const auto options = parse_options(line.args);
    ASSERT_TRUE(options.has_value()) << line.args.back() << ": " << options.error().err;
    EXPECT_EQ(options->verb, line.verb) << line.args.back();
  }
}

TEST(CtlOptions, GlobalOptionsMayStandBeforeAndAfterTheVerb) {
  const auto before = parse_options({"--json", "--host", "h", "--bus", "session", "policy", "show"});
  const auto after = parse_options({"policy", "show", "--json", "--host", "h", "--bus", "session"});
  for (const auto* options : {&before, &after}) {
    ASSERT_TRUE(options->has_value());
    EXPECT_TRUE((*options)->json);
    EXPECT_EQ((*options)->host, "h");
    EXPECT_EQ((*options)->bus.kind, cli::Bus::Kind::kSession);
  }
}

TEST(CtlOptions, ScrubTakesADeviceAndMayEndOne) {
  const auto options = parse_options({"scrub", "/dev/sdb"});
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->device, "/dev/sdb");
  EXPECT_FALSE(options->cancel);
  EXPECT_TRUE(parse_options({"scrub", "--cancel", "/dev/sdb"})->cancel);
  EXPECT_FALSE(parse_options({"scrub", "/dev/sdb", "/dev/sdc"}).has_value());
}

TEST(CtlOptions, ListTakesAStateAndAll) {
  const auto options = parse_options({"list", "--state", "held", "--all"});
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->state, "held");
  EXPECT_TRUE(options->all);
}

TEST(CtlOptions, ApproveTakesSeveralIncidentsOrOneWithItsPlan) {
  EXPECT_THAT(parse_options({"approve", "7", "18446744073709551615"})->incidents,
              ElementsAre(IncidentId{7}, IncidentId{UINT64_MAX}));
  const auto planned = parse_options({"approve", "7", "--plan", "abc"});
  ASSERT_TRUE(planned.has_value());
  EXPECT_EQ(planned->plan_hash, "abc");
  EXPECT_FALSE(parse_options({"approve", "7", "8", "--plan", "abc"}).has_value());
}

TEST(CtlOptions, ReportFormatFollowsJsonUnlessItIsNamed) {
  EXPECT_EQ(parse_options({"report", "7"})->format, ReportFormat::kText);
  EXPECT_EQ(parse_options({"report", "7", "--json"})->format, ReportFormat::kJson);
  EXPECT_EQ(parse_options({"report", "7", "--format", "json"})->format, ReportFormat::kJson);
  EXPECT_EQ(parse_options({"report", "7", "--format", "ddrescue"})->format, ReportFormat::kDdrescue);
  EXPECT_EQ(parse_options({"report", "7", "--format", "ranges"})->format, ReportFormat::kRanges);
  EXPECT_FALSE(parse_options({"report", "7", "--format", "ranges", "--json"}).has_value());
}

TEST(CtlOptions, ThreeWordsAreADeviceRange) {
  for (const char* verb : {"locate", "explain"}) {
    const auto options = parse_options({verb, "/dev/pmem0", "4096", "512"});
    ASSERT_TRUE(options.has_value()) << verb;
    const DeviceRange expected{.device = "/dev/pmem0", .range = {.offset = 4096, .length = 512}};
    EXPECT_EQ(options->subject, Subject(expected));
  }
}

TEST(CtlOptions, LocateTakesItsQuestionsFromStdin) {
  const auto options =
      parse_options({"locate", "--stdin", "--offline", "--worker", "unix:/w", "--block-size", "4096", "/dev/sda"});
  ASSERT_TRUE(options.has_value()) << options.error().err;
  EXPECT_TRUE(options->from_stdin);
  EXPECT_TRUE(options->offline);
  EXPECT_EQ(options->worker, "unix:/w");
  EXPECT_EQ(options->block_size, 4096U);
  EXPECT_EQ(options->device, "/dev/sda");
  EXPECT_EQ(parse_options({"locate", "--stdin"})->device, "");
}

TEST(CtlOptions, OneWordIsAPathUnlessExplainSeesANumber) {
  EXPECT_EQ(parse_options({"locate", "7"})->subject, Subject(std::string("7")));
  EXPECT_EQ(parse_options({"explain", "7"})->subject, Subject(IncidentId{7}));
  EXPECT_EQ(parse_options({"explain", "./7"})->subject, Subject(std::string("./7")));
}

TEST(CtlOptions, FileNamesMayLookLikeVerbsAndOptions) {
  EXPECT_EQ(parse_options({"locate", "list"})->subject, Subject(std::string("list")));
  EXPECT_EQ(parse_options({"locate", "--", "--json"})->subject, Subject(std::string("--json")));
}

TEST(CtlOptions, PolicyCheckTakesAnyNumberOfPaths) {
  EXPECT_THAT(parse_options({"policy", "check"})->files, IsEmpty());
  EXPECT_THAT(parse_options({"policy", "check", "a", "b", "--json"})->files, ElementsAre("a", "b"));
}

struct BadLine {
  std::vector<std::string> args;
  std::string named;  // what the message must name
};

TEST(CtlOptions, MistakesEndWith64AndNameThem) {
  const std::vector<BadLine> lines = {
      {{"--frobnicate"}, "--frobnicate"},
      {{"frobnicate"}, "frobnicate"},
      {{"list", "--frobnicate"}, "--frobnicate"},
      {{"list", "stray"}, "stray"},
      {{"show"}, "ID"},
      {{"show", "7", "8"}, "ID"},
      {{"show", "x7"}, "'x7'"},
      {{"show", "0"}, "'0'"},
      {{"show", "--", "-1"}, "-1"},
      {{"show", "18446744073709551616"}, "18446744073709551616"},
      {{"report", "7", "--format", "xml"}, "--format"},
      {{"explain", "0"}, "'0'"},
      {{"locate"}, "PATH"},
      {{"locate", ""}, "empty"},
      {{"locate", "--stdin", "/dev/sda", "0"}, "--stdin"},
      {{"locate", "--stdin", "--block-size", "511"}, "--block-size"},
      {{"locate", "--stdin", "--block-size", "-1"}, "--block-size"},
      {{"locate", "--block-size", "4096", "/dev/sda", "0", "1"}, "--block-size"},
      {{"locate", "--worker", "/w", "/srv/a"}, "--offline"},
      {{"--host", "h", "locate", "--offline", "/srv/a"}, "--host"},
      {{"explain", "7", "--stdin"}, "--stdin"},
      {{"locate", "/dev/pmem0", "4096"}, "LENGTH"},
      {{"locate", "/dev/pmem0", "0x10", "512"}, "OFFSET"},
      {{"locate", "/dev/pmem0", "0", "0"}, "LENGTH"},
      {{"locate", "/dev/pmem0", "9223372036854775807", "1"}, "OFFSET LENGTH"},
      {{"locate", "a", "1", "2", "3"}, "PATH"},
      {{"policy"}, "subcommand"},
      {{"policy", "test"}, "CASES"},
      {{"scrub"}, "DEVICE"},
      {{"evacuate-list"}, "DEVICE"},
      {{"--json", "evacuate-list", "-0", "/dev/pmem0"}, "--null"},
      {{"--host", "-oProxyCommand=x", "list"}, "--host"},
      {{"--host=-oProxyCommand=x", "list"}, "--host"},
      {{"--bus", "elsewhere"}, "--bus"},
  };
  for (const BadLine& line : lines) {
    const auto options = parse_options(line.args);
    ASSERT_FALSE(options.has_value()) << line.named;
    EXPECT_EQ(options.error().status, 64) << line.named;
    EXPECT_THAT(options.error().err, HasSubstr(line.named));
    EXPECT_EQ(options.error().err.find('\n'), options.error().err.size() - 1) << options.error().err;
  }
}

}  // namespace
}  // namespace pmend::ctl
