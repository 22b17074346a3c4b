// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy_loader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace pmend::daemon {
namespace {

class PolicyLoaderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "pmend-policy-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(directory_ / name) << text; }
  tl::expected<PolicyInForce, ConfigProblems> load() { return load_policy_files({{directory_, true}}); }

  std::filesystem::path directory_;
};

TEST_F(PolicyLoaderTest, TheEngineGetsTheTextsThatWereChecked) {
  write("10-a.json", R"({"rules": [{"name": "a", "then": {"action": "hold"}}]})");
  write("20-b.json", R"({"limits": {"repairs_per_hour": 3}})");
  const auto loaded = load();
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->policy.limits().repairs_per_hour, 3U);
  ASSERT_EQ(loaded->files.files.size(), 2U);
  std::vector<SourceText> sources;
  for (const engine::PolicyFile& file : loaded->files.files) {
    sources.push_back({file.name, file.text});
  }
  EXPECT_EQ(parse_policy(sources)->hash(), loaded->policy.hash());
}

TEST_F(PolicyLoaderTest, AllProblemsOfAllFilesAreTold) {
  write("10-a.json", R"({"rules": 7})");
  write("20-b.json", "{");
  write("notes.txt", "");
  const auto loaded = load();
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().size(), 3U);
}

TEST_F(PolicyLoaderTest, ALinkToNothingMasks) {
  std::filesystem::create_symlink("/dev/null", directory_ / "10-a.json");
  const auto loaded = load();
  ASSERT_TRUE(loaded.has_value());
  EXPECT_TRUE(loaded->files.files.empty());
}

}  // namespace
}  // namespace pmend::daemon
