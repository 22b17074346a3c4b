// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/glob.hpp"

#include "pmend/base/text.hpp"
#include "pmend/policy/glob_set.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace pmend {
namespace {

using testing::HasSubstr;

bool glob_matches(const std::string& glob, const std::string& text) {
  const auto set = GlobSet::compile({glob});
  return set && set->match(text)->contains(glob);
}

struct GlobCase {
  std::string glob;
  std::vector<std::string> matching;
  std::vector<std::string> other;
};

TEST(Glob, MatchesTheWholeOfWhatItDescribes) {
  const GlobCase cases[] = {
      {"/srv/a", {"/srv/a"}, {"/srv/ab", "/srv", "x/srv/a", "/srv/a\n", "/srv/A", ""}},
      {"/srv/*", {"/srv/a", "/srv/", "/srv/.hidden", "/srv/a b"}, {"/srv/a/b", "/srv"}},
      {"/srv/*.db", {"/srv/x.db", "/srv/.db"}, {"/srv/xdb", "/srv/x/y.db", "/srv/x.db~"}},
      {"/srv/**", {"/srv/a", "/srv/a/b/c", "/srv/.x"}, {"/srv", "/srv/", "/srvx/a"}},
      {"/srv/**/x", {"/srv/x", "/srv/a/x", "/srv/a/b/x"}, {"/srv/ax", "/srv/x/y", "/x"}},
      {"/**/x", {"/x", "/a/b/x"}, {"x", "/ax"}},
      {"**/x", {"/x", "/a/x", "x"}, {"/ax"}},
      {"**", {"", "/", "/a/b", "a\nb"}, {}},
      {"/a/**/b/**", {"/a/b/c", "/a/x/b/c/d"}, {"/a/b", "/a/xb/c"}},
      {"/a/?", {"/a/b", "/a/\xFF", "/a/\n"}, {"/a/", "/a/bc", "/a//"}},
      {"/a/??", {"/a/\xC3\xA4", "/a/bc"}, {"/a/b"}},
      {"/dev/sd[a-c]", {"/dev/sda", "/dev/sdc"}, {"/dev/sdd", "/dev/sd"}},
      {"/dev/sd[!a-c]", {"/dev/sdd", "/dev/sd\n", "/dev/sd\xFF"}, {"/dev/sda", "/dev/sd/"}},
      {"/dev/sd[^a-c]", {"/dev/sdd"}, {"/dev/sdb"}},
      {"[]]", {"]"}, {"["}},
      {"[!]]", {"a"}, {"]", "/"}},
      {"[a-]", {"a", "-"}, {"b"}},
      {"[\\]x]", {"]", "x"}, {"\\"}},
      {"[+-9]", {"+", "9", "."}, {"/"}},
      {"\\*\\?\\[\\]\\\\\\{\\}", {"*?[]\\{}"}, {"a?[]\\{}"}},
      {"/a\\xff\\x0a", {"/a\xFF\n"}, {"/a\\xff\\x0a"}},
      {"/a.b+c(d)|e^f$", {"/a.b+c(d)|e^f$"}, {"/aXb+c(d)|e^f$", "/a.b"}},
      {"/\xC3\xA4*", {"/\xC3\xA4x", "/\xC3\xA4\xFF"}, {"/\xE4x"}},
  };
  for (const auto& [glob, matching, other] : cases) {
    for (const std::string& text : matching) {
      EXPECT_TRUE(glob_matches(glob, text)) << glob << " should match " << escape_bytes(text);
    }
    for (const std::string& text : other) {
      EXPECT_FALSE(glob_matches(glob, text)) << glob << " should not match " << escape_bytes(text);
    }
  }
}

TEST(Glob, EveryByteStandsForItselfWhereItIsNotSpecial) {
  for (int value = 1; value < 256; ++value) {
    const std::string name(1, static_cast<char>(value));
    if (std::string("*?[]{}\\/").find(name) != std::string::npos) {
      continue;
    }
    EXPECT_TRUE(glob_matches(name, name)) << value;
    EXPECT_FALSE(glob_matches(name, name + name)) << value;
    EXPECT_FALSE(glob_matches(name, value == 'x' ? "y" : "x")) << value;
  }
}

TEST(Glob, TheFormInWhichNamesAreShownIsAGlobForThem) {
  for (const std::string name : {"/srv/b\xFF", "/srv/a\nb", "/srv/back\\slash", "/srv/\xC3\xA4", "/srv/\x7F\x01"}) {
    EXPECT_TRUE(glob_matches(escape_bytes(name), name)) << escape_bytes(name);
  }
}

TEST(Glob, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[", "without its \"]\""},
      {"[a", "without its \"]\""},
      {"[]", "without its \"]\""},
      {"[!", "without its \"]\""},
      {"[!]", "without its \"]\""},
      {"a]", "without \"[\""},
      {"[z-a]", "ends before"},
      {"[a/b]", "slash inside"},
      {"[\xC3\xA4]", "outside ASCII"},
      {"a**", "alone"},
      {"/a/**b", "alone"},
      {"/***", "alone"},
      {"/a/**b/c", "alone"},
      {"{a,b}", "braces"},
      {"a}", "braces"},
      {"\\", "backslash at the end"},
      {"\\n", "unknown escape"},
      {"\\/", "unknown escape"},
      {"\\x", "two hex digits"},
      {"\\x4", "two hex digits"},
      {"\\xg0", "two hex digits"},
      {"\\x00", "no name holds"},
      {"\\x2f", "no name holds"},
      {"[\\", "backslash at the end"},
      {"[a-\\x", "two hex digits"},
  };
  for (const auto& [glob, message] : cases) {
    const auto regex = glob_to_regex(glob);
    ASSERT_FALSE(regex.has_value()) << glob;
    EXPECT_THAT(regex.error().what, HasSubstr(message)) << glob;
  }
}

TEST(Glob, KnowsWhatCannotBeAnAbsolutePath) {
  for (const char* glob : {"/", "/a", "/a/*", "**", "**/a", "/a/**", "/*/b", "/...", "/a/.b"}) {
    EXPECT_TRUE(is_absolute_glob(glob)) << glob;
  }
  for (const char* glob :
       {"", "a", "*", "*/a", "./a", "~/a", "//a", "/a//b", "/a/", "/a/./b", "/a/../b", "/..", "**/"}) {
    EXPECT_FALSE(is_absolute_glob(glob)) << glob;
  }
}

TEST(GlobSet, NamesAllThatMatch) {
  const auto set = GlobSet::compile({"/a/*", "/a/b", "/**", "/c"});
  ASSERT_TRUE(set.has_value());
  EXPECT_THAT(*set->match("/a/b"), testing::UnorderedElementsAre("/a/*", "/a/b", "/**"));
  EXPECT_THAT(*set->match("nothing"), testing::IsEmpty());
}

TEST(GlobSet, OfNothingMatchesNothing) {
  const auto set = GlobSet::compile({});
  ASSERT_TRUE(set.has_value());
  EXPECT_TRUE(set->match("/a")->empty());
}

TEST(GlobSet, TakesTenThousandGlobs) {
  std::set<std::string> globs;
  for (int i = 0; i < 10'000; ++i) {
    globs.insert("/srv/tenant-" + std::to_string(i) + "/**/data-*.db");
  }
  const auto set = GlobSet::compile(globs);
  ASSERT_TRUE(set.has_value());
  for (const int i : {0, 1, 77, 9'999}) {
    const std::string tenant = "/srv/tenant-" + std::to_string(i);
    const auto matched = set->match(tenant + "/x/y/data-1.db");
    ASSERT_TRUE(matched.has_value());
    EXPECT_THAT(*matched, testing::ElementsAre(tenant + "/**/data-*.db"));
  }
  EXPECT_TRUE(set->match("/srv/other/data-1.db")->empty());
}

// Patterns for which a set of states explodes: the answer may be "unknown", never a wrong one, and never a crash.
TEST(GlobSet, HostilePatternsGiveTheRightAnswerOrNone) {
  std::set<std::string> globs;
  for (int i = 0; i < 300; ++i) {
    globs.insert("/**/a" + std::string(static_cast<std::size_t>(i % 30), '?') + "*b" + std::to_string(i));
  }
  const auto set = GlobSet::compile(globs);
  if (!set) {
    return;
  }
  std::string text = "/";
  for (int i = 0; i < 2'000; ++i) {
    text += i % 3 == 0 ? "ab" : i % 7 == 0 ? "/a" : "aa";
  }
  const auto matched = set->match(text + "b1");
  if (matched) {
    EXPECT_TRUE(matched->contains("/**/a?*b1"));
  }
}

}  // namespace
}  // namespace pmend
