// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/load.hpp"

#include "pmend/policy/policy_file_names.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace pmend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Acts as a user whom permissions concern, also where the tests run as root.
class AsNobody {
 public:
  AsNobody() : changed_(::geteuid() == 0 && ::seteuid(65534) == 0) {}
  ~AsNobody() {
    if (changed_ && ::seteuid(0) != 0) {
      std::abort();
    }
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  AsNobody(AsNobody&&) = delete;
  AsNobody& operator=(AsNobody&&) = delete;

 private:
  bool changed_;
};

std::string one_rule(const std::string& name) {
  return R"({"rules": [{"name": ")" + name + R"(", "then": {"action": "hold"}}]})";
}

class LoadPolicy : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "pmend-policy-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    ASSERT_EQ(::chmod(root_.c_str(), 0755), 0);
    for (const std::string& path : {lib(), run(), etc()}) {
      std::filesystem::create_directory(path);
    }
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string lib() const { return root_ / "lib"; }
  std::string run() const { return root_ / "run"; }
  std::string etc() const { return root_ / "etc"; }

  std::string put(const std::string& directory, const std::string& name, const std::string& text) const {
    std::string path = std::filesystem::path(directory) / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  tl::expected<Policy, ConfigProblems> load() const { return load_policy({{lib()}, {run()}, {etc()}}); }

  // Of a policy that loads, in order.
  std::vector<std::string> rule_names() const {
    const auto policy = load();
    EXPECT_TRUE(policy.has_value()) << to_string(policy.error());
    std::vector<std::string> names;
    for (const Rule& rule : policy.value_or(Policy()).rules()) {
      names.push_back(rule.name);
    }
    return names;
  }

  // Of one that does not.
  std::string problems() const {
    const auto policy = load();
    return policy ? "none" : to_string(policy.error());
  }

  std::filesystem::path root_;
};

TEST_F(LoadPolicy, EmptyDirectoriesAndNoneAtAllAreAPolicyThatHolds) {
  EXPECT_THAT(rule_names(), ElementsAre());
  const auto policy = load_policy({{root_ / "missing"}});
  ASSERT_TRUE(policy.has_value());
  EXPECT_EQ(policy->hash(), Policy().hash());
}

TEST_F(LoadPolicy, ADirectoryThatMustBeThereIsMissed) {
  const auto policy = load_policy({{root_ / "missing", true}});
  ASSERT_FALSE(policy.has_value());
  EXPECT_EQ(to_string(policy.error()),
            (root_ / "missing").string() + ": directory cannot be read: No such file or directory\n");
}

TEST_F(LoadPolicy, RulesAreInOrderOfFileNameWhateverTheDirectory) {
  put(etc(), "10-a.json", one_rule("a"));
  put(lib(), "20-b.json", one_rule("b"));
  put(run(), "15-c.json", one_rule("c"));
  put(lib(), "10-b.json", one_rule("d"));
  EXPECT_THAT(rule_names(), ElementsAre("a", "d", "c", "b"));
}

TEST_F(LoadPolicy, OfFilesWithOneNameTheLastDirectoryWins) {
  put(lib(), "50-x.json", one_rule("lib"));
  EXPECT_THAT(rule_names(), ElementsAre("lib"));
  put(run(), "50-x.json", one_rule("run"));
  EXPECT_THAT(rule_names(), ElementsAre("run"));
  put(etc(), "50-x.json", one_rule("etc"));
  EXPECT_THAT(rule_names(), ElementsAre("etc"));
}

TEST_F(LoadPolicy, AnOverriddenFileMayBeBroken) {
  put(lib(), "50-x.json", "not json");
  put(etc(), "50-x.json", one_rule("etc"));
  EXPECT_THAT(rule_names(), ElementsAre("etc"));
}

TEST_F(LoadPolicy, ALinkToDevNullMasks) {
  put(lib(), "50-x.json", one_rule("x"));
  put(lib(), "60-y.json", one_rule("y"));
  std::filesystem::create_symlink("/dev/null", etc() + "/50-x.json");
  EXPECT_THAT(rule_names(), ElementsAre("y"));
}

TEST_F(LoadPolicy, AMaskInAnEarlierDirectoryIsItselfOverridden) {
  std::filesystem::create_symlink("/dev/null", lib() + "/50-x.json");
  put(etc(), "50-x.json", one_rule("x"));
  EXPECT_THAT(rule_names(), ElementsAre("x"));
}

TEST_F(LoadPolicy, OtherLinksAreFollowedAndBrokenOnesAreProblems) {
  std::filesystem::create_symlink(put(root_, "elsewhere", one_rule("x")), etc() + "/50-x.json");
  EXPECT_THAT(rule_names(), ElementsAre("x"));
  std::filesystem::create_symlink(root_ / "nowhere", etc() + "/60-y.json");
  EXPECT_EQ(problems(), etc() + "/60-y.json: cannot be read: No such file or directory\n");
}

TEST_F(LoadPolicy, LimitsAreLastWinsPerKey) {
  put(lib(), "10-a.json", R"({"limits": {"repairs_per_hour": 1, "lost_bytes_per_day": 2}})");
  put(etc(), "20-b.json", R"({"limits": {"repairs_per_hour": 3}})");
  const auto policy = load();
  ASSERT_TRUE(policy.has_value()) << to_string(policy.error());
  EXPECT_EQ(policy->limits(), (PolicyLimits{3, 2, 256}));
  EXPECT_EQ(Policy().limits(), (PolicyLimits{64, 1048576, 256}));
}

TEST_F(LoadPolicy, NamesAreUniqueAmongAllFiles) {
  const std::string first = put(lib(), "10-a.json", one_rule("x"));
  const std::string second = put(etc(), "20-b.json", one_rule("x"));
  EXPECT_EQ(problems(), second + ":1:12: /rules/0: got \"name\" \"x\", which " + first +
                            ":1:12 has already, expected each name once\n");
}

TEST_F(LoadPolicy, OneBadFileFailsAllAndProblemsOfAllFilesAreThere) {
  put(lib(), "10-good.json", one_rule("good"));
  const std::string bad = put(lib(), "20-bad.json", R"({"rulez": []})");
  const std::string broken = put(etc(), "30-broken.json", "{");
  const std::string misnamed = put(etc(), "rules.json", "{}");
  EXPECT_THAT(problems(), AllOf(HasSubstr(bad + ":1:11: /rulez: unknown key"), HasSubstr(broken + ":1:"),
                                HasSubstr(misnamed + ": got this file name, expected NN-name.json")));
}

TEST_F(LoadPolicy, LeftoversAreSkipped) {
  put(etc(), "10-a.json", one_rule("a"));
  for (const char* name : {".10-a.json.swp", "10-a.json~", "10-a.json.bak", "10-a.json.dpkg-new", "10-a.json.dpkg-old",
                           "10-a.json.rpmsave", "10-a.json.ucf-dist", "10-a.json.orig", ".hidden.json"}) {
    put(etc(), name, "not json");
  }
  EXPECT_THAT(rule_names(), ElementsAre("a"));
}

TEST_F(LoadPolicy, WhatIsNoFileIsAProblemAndNeverWaitedFor) {
  std::filesystem::create_directory(etc() + "/10-directory.json");
  ASSERT_EQ(::mkfifo((etc() + "/20-pipe.json").c_str(), 0644), 0);
  std::filesystem::create_symlink("/dev/zero", etc() + "/30-zero.json");
  std::filesystem::create_symlink("40-loop.json", etc() + "/40-loop.json");
  EXPECT_EQ(problems(), etc() + "/10-directory.json: is a directory, expected a file\n" + etc() +
                            "/20-pipe.json: is a pipe, socket or device, expected a file\n" + etc() +
                            "/30-zero.json: is a pipe, socket or device, expected a file\n" + etc() +
                            "/40-loop.json: cannot be read: Too many levels of symbolic links\n");
}

TEST_F(LoadPolicy, AHugeFileIsAProblem) {
  const std::string path = put(etc(), "10-a.json", "{}");
  std::filesystem::resize_file(path, 1ULL << 40U);
  EXPECT_EQ(problems(), path + ": too long, expected at most 1048576 bytes\n");
}

TEST_F(LoadPolicy, WhatMayNotBeReadIsAProblem) {
  const std::string path = put(etc(), "10-a.json", one_rule("a"));
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  ASSERT_EQ(::chmod(run().c_str(), 0), 0);
  std::string found;
  {
    const AsNobody nobody;
    found = problems();
  }
  ASSERT_EQ(::chmod(run().c_str(), 0755), 0);
  EXPECT_EQ(found,
            run() + ": directory cannot be read: Permission denied\n" + path + ": cannot be read: Permission denied\n");
}

TEST_F(LoadPolicy, AFileInPlaceOfADirectoryIsAProblem) {
  const std::string path = put(root_, "file", "");
  const auto policy = load_policy({{path}});
  ASSERT_FALSE(policy.has_value());
  EXPECT_EQ(to_string(policy.error()), path + ": directory cannot be read: Not a directory\n");
}

TEST_F(LoadPolicy, TheSameFilesGiveTheSameHash) {
  put(lib(), "10-a.json", one_rule("a"));
  const std::string hash = load()->hash();
  put(lib(), "10-a.json", "// a comment\n" + one_rule("a"));
  EXPECT_EQ(load()->hash(), hash);
  put(lib(), "10-a.json", one_rule("b"));
  EXPECT_NE(load()->hash(), hash);
}

TEST(PolicyFileNames, AreTwoDigitsAHyphenAndAName) {
  for (const char* name : {"00-a.json", "99-default.json", "10-a_b.C-1.json"}) {
    EXPECT_TRUE(is_policy_file_name(name)) << name;
  }
  for (const char* name : {"", ".json", "10.json", "10-.json", "1-a.json", "a-10.json", "100-a.json", "10-a.JSON",
                           "10-a.conf", "10_a.json", "10-a b.json", "10-\xC3\xA4.json", "10-a\n.json", "README"}) {
    EXPECT_FALSE(is_policy_file_name(name)) << name;
  }
}

TEST(PolicyDirectories, AreThoseOfTheDesign) {
  std::vector<std::string> paths;
  for (const PolicyDirectory& directory : default_policy_directories()) {
    paths.push_back(directory.path);
    EXPECT_FALSE(directory.required);
  }
  EXPECT_THAT(paths, ElementsAre("/usr/lib/pmend/policy.d", "/run/pmend/policy.d", "/etc/pmend/policy.d"));
}

}  // namespace
}  // namespace pmend
