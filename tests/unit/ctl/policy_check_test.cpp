// SPDX-License-Identifier: Apache-2.0
#include "ctl/policy_check.hpp"

#include "pmend/model/json_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace pmend::ctl {
namespace {

using testing::HasSubstr;

constexpr const char* kGood = R"({"rules": [{"name": "rest", "then": {"action": "observe"}}]})";
constexpr const char* kBad =
    "{\"rules\": [\n  {\"name\": \"rest\", \"then\": {\"action\": \"destroy\"}, \"wen\": {}}]}";

class PolicyCheck : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = (std::filesystem::temp_directory_path() / "pmend-policy-XXXXXX").string();
    ASSERT_NE(mkdtemp(path.data()), nullptr);
    directory_ = path;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / name) << text;
    return (directory_ / name).string();
  }

  int check(std::vector<std::string> paths, bool json = false) {
    out_.str("");
    err_.str("");
    return check_policy({.json = json, .files = std::move(paths)}, {in_, out_, err_});
  }

  std::filesystem::path directory_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(PolicyCheck, IsContentWithAGoodFileOrDirectory) {
  const std::string good = file("10-good.json", kGood);
  EXPECT_EQ(check({good}), 0);
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(err_.str(), "1 rule, no problem.\n");
  EXPECT_EQ(check({directory_.string()}), 0);
  EXPECT_EQ(check({good}, true), 0);
  EXPECT_EQ(out_.str(), "{\"problems\":[],\"version\":1}\n");
}

TEST_F(PolicyCheck, PrintsEveryProblemWithItsPlace) {
  const std::string bad = file("10-bad.json", kBad);
  for (const std::string& path : {bad, directory_.string()}) {
    EXPECT_EQ(check({path}), 1);
    EXPECT_THAT(out_.str(), HasSubstr("10-bad.json:2:39: /rules/0/then/action: "));
    EXPECT_THAT(out_.str(), HasSubstr("did you mean \"when\"?"));
    EXPECT_THAT(err_.str(), HasSubstr("2 problems"));
  }
  EXPECT_EQ(check({bad}, true), 1);
  const Json problems = parse_json_text(out_.str()).value().value["problems"];
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0]["line"], 2U);
  EXPECT_EQ(problems[0]["pointer"], "/rules/0/then/action");
}

TEST_F(PolicyCheck, NamesWhatCannotBeRead) {
  EXPECT_EQ(check({(directory_ / "none.json").string()}), 1);
  EXPECT_THAT(out_.str(), HasSubstr("none.json: "));
  EXPECT_EQ(check({directory_.string(), file("10-good.json", kGood)}), 64);
  EXPECT_THAT(err_.str(), HasSubstr("either directories or files"));
}

}  // namespace
}  // namespace pmend::ctl
