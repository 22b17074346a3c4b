// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/config.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace pmend {
namespace {

using testing::HasSubstr;

std::string problems_of(const std::string& text) {
  const auto config = parse_config({"pmend.json", text});
  return config ? std::string() : to_string(config.error());
}

TEST(Config, WatchesAllDevicesByDefault) {
  const auto config = parse_config({"f", "{}"});
  ASSERT_TRUE(config.has_value());
  EXPECT_TRUE(config->auto_watch);
  EXPECT_TRUE(config->devices.empty());
}

TEST(Config, HasDevicesWithListFiles) {
  const auto config = parse_config({"f", R"({ // comments are allowed
      "auto": false,
      "devices": [{"device": "/dev/loop3", "badblocks": "/path/to/list", "interval": 5},
                  {"device": "/dev/loop4", "badblocks": "/path/to/other"},
                  {"device": "/dev/loop5"}]})"});
  ASSERT_TRUE(config.has_value()) << to_string(config.error());
  EXPECT_FALSE(config->auto_watch);
  EXPECT_THAT(config->devices,
              testing::ElementsAre(protocol::ListedDevice{"/dev/loop3", FilePath{"/path/to/list"}, 5},
                                   protocol::ListedDevice{"/dev/loop4", FilePath{"/path/to/other"}, 60},
                                   protocol::ListedDevice{"/dev/loop5", std::nullopt, 60}));
}

TEST(Config, StartsNoScrubsUnlessAskedTo) {
  EXPECT_EQ(parse_config({"f", "{}"})->ars_interval_hours, 0U);
  EXPECT_EQ(parse_config({"f", R"({"ars_interval_hours": 24})"})->ars_interval_hours, 24U);
}

TEST(Config, IndexesMayTakeAQuarterOfAGibibyteUnlessToldOtherwise) {
  EXPECT_EQ(parse_config({"f", "{}"})->index_mib, 256U);
  EXPECT_EQ(parse_config({"f", R"({"index_mib": 0})"})->index_mib, 0U);
}

TEST(Config, FileSystemsAreNotWatchedForChangesUnlessAskedTo) {
  EXPECT_FALSE(parse_config({"f", "{}"})->index_hints);
  EXPECT_TRUE(parse_config({"f", R"({"index_hints": true})"})->index_hints);
}

TEST(Config, HealthMonitorsAreLeftToOthersUnlessAskedFor) {
  EXPECT_FALSE(parse_config({"f", "{}"})->xfs_health);
  EXPECT_TRUE(parse_config({"f", R"({"xfs_health": true})"})->xfs_health);
}

TEST(Config, ProblemsHaveTheirPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{\"ars_interval_hours\": 0.5}", "/ars_interval_hours: got 0.5, expected a whole number from 0 to 8760"},
      {"{\"index_mib\": -1}", "/index_mib: got -1, expected a whole number from 0 to 1048576"},
      {"[]", "pmend.json:1:1: got an array, expected an object"},
      {"{\"auto\": 1}", "pmend.json:1:10: /auto: got 1, expected true or false"},
      {"{\"auto\": true, \"auto\": false}", "pmend.json:1:16: key \"auto\" is there twice"},
      {"{\"device\": []}", "pmend.json:1:12: /device: unknown key \"device\", did you mean \"devices\"?"},
      {"{\"devices\": {}}", "pmend.json:1:13: /devices: got an object, expected an array"},
      {"{\"devices\": [1]}", "pmend.json:1:14: /devices/0: got 1, expected an object"},
      {R"({"devices": [{"badblocks": "/b"}]})", "pmend.json:1:14: /devices/0: key \"device\" is missing"},
      {R"({"devices": [{"device": "/d", "interval": 5}]})",
       "pmend.json:1:43: /devices/0/interval: goes with \"badblocks\""},
      {R"({"devices": [{"device": "d", "badblocks": "/b"}]})",
       "/devices/0/device: got \"d\", expected an absolute path"},
      {R"({"devices": [{"device": "/d", "badblocks": ""}]})",
       "/devices/0/badblocks: got \"\", expected an absolute path"},
      {R"({"devices": [{"device": "/d\u0000", "badblocks": "/b"}]})", "without NUL"},
      {R"({"devices": [{"device": "/d", "badblocks": "/b", "interval": 0}]})",
       "/devices/0/interval: got 0, expected a whole number from 1 to 86400"},
      {R"({"devices": [{"device": "/d", "badblocks": "/b", "interval": "60"}]})",
       "got \"60\", expected a whole number"},
      {R"({"devices": [{"device": "/d", "badblocks": "/b", "interval": 1e9}]})", "expected a whole number"},
      {R"({"devices": [{"device": "/d", "badblocks": "/b", "intervall": 1}]})", "did you mean \"interval\"?"},
      {R"({"devices": [{"device": "/d", "badblocks": "/b"}, {"device": "/d", "badblocks": "/c"}]})",
       "/devices/1/device: got \"/d\", expected each device once"},
      {"", "pmend.json:1:1: "},
      {"{", "pmend.json:1:"},
  };
  for (const auto& [text, message] : cases) {
    const std::string problems = problems_of(text);
    EXPECT_THAT(problems, HasSubstr(message)) << text;
    EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 1) << problems;
  }
}

TEST(Config, AllProblemsAreReportedInOrderOfPlace) {
  EXPECT_EQ(problems_of("{ \"x\": 1,\n \"auto\": 2,\n \"devices\": 3 }"),
            "pmend.json:1:8: /x: unknown key \"x\", expected \"ars_interval_hours\", \"auto\", \"devices\", "
            "\"index_hints\", \"index_mib\", \"xfs_health\"\n"
            "pmend.json:2:10: /auto: got 2, expected true or false\n"
            "pmend.json:3:13: /devices: got 3, expected an array\n");
}

class LoadConfig : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "pmend-config-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::filesystem::path root_;
};

TEST_F(LoadConfig, AMissingFileIsDefaultsOrAProblemAsTheCallerSays) {
  const std::string path = root_ / "pmend.json";
  EXPECT_EQ(load_config(path, IfMissing::kDefaults), Config());
  const auto config = load_config(path, IfMissing::kProblem);
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(to_string(config.error()), path + ": cannot be read: No such file or directory\n");
}

TEST_F(LoadConfig, AFileThatIsThereIsNeverIgnored) {
  const std::string path = root_ / "pmend.json";
  std::ofstream(path) << "{\"auto\": false}";
  EXPECT_FALSE(load_config(path, IfMissing::kDefaults)->auto_watch);
  std::filesystem::remove(path);
  std::filesystem::create_symlink(root_ / "nowhere", path);
  EXPECT_FALSE(load_config(path, IfMissing::kDefaults).has_value());
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_FALSE(load_config(path, IfMissing::kDefaults).has_value());
}

}  // namespace
}  // namespace pmend
