// SPDX-License-Identifier: Apache-2.0
#include "builders.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

namespace pmend {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct TextCase {
  std::string text;
  std::string problems;  // all of them, exactly
};

TEST(PolicyProblems, NameFileLineColumnPointerWhatAndExpected) {
  const TextCase cases[] = {
      {"{\n  \"rules\": [\n    { \"name\": 7, \"then\": { \"action\": \"repair\" } }\n  ]\n}",
       "f:3:15: /rules/0/name: got 7, expected a string\n"},
      {R"({"rules": [{"name": "a", "then": {"action": "repare"}}]})",
       "f:1:45: /rules/0/then/action: got \"repare\", expected one of \"repair\", \"hold\", \"observe\"; did you mean "
       "\"repair\"?\n"},
      {R"({"rules": [{"name": "a", "when": {"pat": "/a"}, "then": {"action": "hold"}}]})",
       "f:1:42: /rules/0/when/pat: unknown key \"pat\", did you mean \"path\"?\n"},
      {R"({"rules": [{"name": "a"}]})", "f:1:12: /rules/0: key \"then\" is missing\n"},
      {R"({"rules": {}})", "f:1:11: /rules: got an object, expected an array\n"},
      {R"([])", "f:1:1: got an array, expected an object\n"},
      {R"({"limits": {"repairs_per_hour": -1}})",
       "f:1:33: /limits/repairs_per_hour: got -1, expected a whole number from 0 to 9223372036854775807\n"},
      {R"({"rules": [], "rules": []})", "f:1:15: key \"rules\" is there twice\n"},
      {R"({"rules": [{"name": "a", "then": {"action": "hold"}}, {"name": "a", "then": {"action": "hold"}}]})",
       "f:1:55: /rules/1: got \"name\" \"a\", which f:1:12 has already, expected each name once\n"},
  };
  for (const auto& [text, problems] : cases) {
    EXPECT_EQ(problems_of(text), problems) << text;
  }
}

TEST(PolicyProblems, AllOfAllFilesAreReportedInOrderOfPlace) {
  const auto policy = parse_policy({
      {"10-a.json", "{ \"limits\": { \"repairs_per_hour\": \"many\" },\n  \"rules\": [ { \"then\": 1 } ] }"},
      {"20-b.json", "{ \"rules\": [ }"},
      {"30-c.json", "{ \"ruls\": [], // a comment\n \"limits\": { \"x\": 1, \"x\": 2 } }"},
  });
  ASSERT_FALSE(policy.has_value());
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : policy.error()) {
    lines.push_back(problem.to_string());
  }
  EXPECT_THAT(lines,
              testing::ElementsAre(StartsWith("10-a.json:1:35: /limits/repairs_per_hour: got \"many\", expected"),
                                   "10-a.json:2:14: /rules/0: key \"name\" is missing",
                                   "10-a.json:2:24: /rules/0/then: got 1, expected an object",
                                   StartsWith("20-b.json:1:14: "), StartsWith("30-c.json:1:11: /ruls: unknown key"),
                                   "30-c.json:2:22: /limits: key \"x\" is there twice",
                                   StartsWith("30-c.json:2:27: /limits/x: unknown key \"x\", expected ")));
}

// `{}` stands for what is put there.
std::string in_when(const std::string& when) {
  return R"({"rules": [{"name": "a", "when": )" + when + R"(, "then": {"action": "hold"}}]})";
}
std::string in_then(const std::string& members) {
  return R"({"rules": [{"name": "a", "then": {"action": "hold")" + members + "}}]}";
}

struct ProblemCase {
  std::string text;
  std::string pointer;  // of the only problem
  std::string message;  // part of it
};

TEST(PolicyProblems, EveryWrongConditionIsRefusedAtItsPlace) {
  const ProblemCase cases[] = {
      {in_when("7"), "/rules/0/when", "expected an object"},
      {in_when("null"), "/rules/0/when", "got null, expected an object"},
      {in_when(R"({"path": 7})"), "/rules/0/when/path", "got 7, expected a string"},
      {in_when(R"({"path": []})"), "/rules/0/when/path", "at least one"},
      {in_when(R"({"path": [["/a"]]})"), "/rules/0/when/path/0", "expected a string"},
      {in_when(R"({"path": ""})"), "/rules/0/when/path", "1 to 4096 bytes"},
      {in_when(R"({"path": "/)" + std::string(4096, 'a') + "\"}"), "/rules/0/when/path", "1 to 4096 bytes"},
      {in_when(R"({"path": ["/a", "b/c"]})"), "/rules/0/when/path/1", "absolute path"},
      {in_when(R"({"path": "/a/"})"), "/rules/0/when/path", "no / at the end"},
      {in_when(R"({"path": "/a[b"})"), "/rules/0/when/path", "is no glob: \"[\" without its \"]\""},
      {in_when(R"({"path": "/a/{b,c}"})"), "/rules/0/when/path", "list of globs"},
      {in_when(R"({"path": "/a\u0000b"})"), "/rules/0/when/path", "without NUL"},
      {in_when(R"({"device": "sda"})"), "/rules/0/when/device", "absolute path"},
      {in_when(R"({"mount_point": "srv"})"), "/rules/0/when/mount_point", "absolute path"},
      {in_when(R"({"filesystem": "xfs"})"), "/rules/0/when/filesystem", "expected an object"},
      {in_when(R"({"filesystem": {}})"), "/rules/0/when/filesystem", "empty object"},
      {in_when(R"({"filesystem": {"type": true}})"), "/rules/0/when/filesystem/type", "expected a string"},
      {in_when(R"({"filesystem": {"tpye": "xfs"}})"), "/rules/0/when/filesystem/tpye", "did you mean \"type\"?"},
      {in_when(R"({"owner": "files"})"), "/rules/0/when/owner", "did you mean \"file\"?"},
      {in_when(R"({"owner": []})"), "/rules/0/when/owner", "at least one"},
      {in_when(R"({"uid": -1})"), "/rules/0/when/uid", "got -1, expected a whole number from 0 to 4294967294"},
      {in_when(R"({"uid": 4294967295})"), "/rules/0/when/uid", "expected a whole number"},
      {in_when(R"({"uid": "root"})"), "/rules/0/when/uid", "got \"root\", expected a whole number"},
      {in_when(R"({"bytes_lost": 1.5})"), "/rules/0/when/bytes_lost", "expected a whole number"},
      {in_when(R"({"bytes_lost": 1e3})"), "/rules/0/when/bytes_lost", "expected a whole number"},
      {in_when(R"({"bytes_lost": 18446744073709551616})"), "/rules/0/when/bytes_lost", "expected a whole number"},
      {in_when(R"({"bytes_lost": {}})"), "/rules/0/when/bytes_lost", "\"min\", \"max\" or both"},
      {in_when(R"({"bytes_lost": {"min": 2, "max": 1}})"), "/rules/0/when/bytes_lost", "more than \"max\""},
      {in_when(R"({"bytes_lost": {"min": 2, "max": "1"}})"), "/rules/0/when/bytes_lost/max", "got \"1\""},
      {in_when(R"({"uid": {"min": 2, "max": 4294967295}})"), "/rules/0/when/uid/max", "got 4294967295"},
      {in_when(R"({"bytes_lost": {"mx": 1}})"), "/rules/0/when/bytes_lost/mx", "did you mean \"max\"?"},
      {in_when(R"({"bytes_lost": [0, {"max": true}]})"), "/rules/0/when/bytes_lost/1/max", "got true"},
      {in_when(R"({"shared": "no"})"), "/rules/0/when/shared", "expected true or false"},
      {in_when(R"({"shared": [true]})"), "/rules/0/when/shared", "expected true or false"},
      {in_when(R"({"time": {}})"), "/rules/0/when/time", "empty object"},
      {in_when(R"({"time": "22:00"})"), "/rules/0/when/time", "expected an object"},
      {in_when(R"({"time": {"from": "24:00"}})"), "/rules/0/when/time/from", "\"00:00\" to \"23:59\""},
      {in_when(R"({"time": {"from": "9:00"}})"), "/rules/0/when/time/from", "time of day"},
      {in_when(R"({"time": {"to": "24:01"}})"), "/rules/0/when/time/to", "\"24:00\""},
      {in_when(R"({"time": {"to": "12:60"}})"), "/rules/0/when/time/to", "time of day"},
      {in_when(R"({"time": {"to": "::::0"}})"), "/rules/0/when/time/to", "time of day"},
      {in_when(R"({"time": {"from": "06:00", "to": "06:00"}})"), "/rules/0/when/time", "are the same"},
      {in_when(R"({"time": {"days": "monday"}})"), "/rules/0/when/time/days", "\"mon\""},
      {in_when(R"({"any": {}})"), "/rules/0/when/any", "expected an array"},
      {in_when(R"({"any": []})"), "/rules/0/when/any", "at least one"},
      {in_when(R"({"any": [{}]})"), "/rules/0/when/any/0", "at least one condition"},
      {in_when(R"({"not": {}})"), "/rules/0/when/not", "at least one condition"},
      {in_when(R"({"not": []})"), "/rules/0/when/not", "expected an object"},
      {in_when(R"({"not": {"any": [{"uid": 0}, {"gidd": 0}]}})"), "/rules/0/when/not/any/1/gidd", "\"gid\""},
  };
  for (const auto& [text, pointer, message] : cases) {
    EXPECT_THAT(problems_of(text), HasSubstr(": " + pointer + ": ")) << text;
    EXPECT_THAT(problems_of(text), HasSubstr(message)) << text;
    const std::string problems = problems_of(text);
    EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 1) << problems;
  }
}

TEST(PolicyProblems, EveryWrongResultOrNameIsRefusedAtItsPlace) {
  const ProblemCase cases[] = {
      {R"({"rules": [{"name": "a", "then": {}}]})", "/rules/0/then", "\"action\" is missing"},
      {in_then(R"(, "methods": "redirty")"), "/rules/0/then/methods", "expected an array"},
      {in_then(R"(, "methods": [])"), "/rules/0/then/methods", "at least one"},
      {in_then(R"(, "methods": ["redirty", "redirty"])"), "/rules/0/then/methods/1", "each method once"},
      {in_then(R"(, "methods": ["re-write"])"), "/rules/0/then/methods/0", "did you mean \"rewrite\"?"},
      {in_then(R"(, "restore": "")"), "/rules/0/then/restore", "a name of 1 to 64"},
      {in_then(R"(, "restore": "../../bin/sh")"), "/rules/0/then/restore", "a name of 1 to 64"},
      {in_then(R"(, "notify": true)"), "/rules/0/then/notify", "expected a string"},
      {in_then(R"(, "notify": ["a", ""])"), "/rules/0/then/notify/1", "1 to 256 bytes"},
      {in_then(R"(, "priority": 101)"), "/rules/0/then/priority", "from -100 to 100"},
      {in_then(R"(, "priority": -99999999999999999999)"), "/rules/0/then/priority", "from -100 to 100"},
      {in_then(R"(, "prioritty": 1)"), "/rules/0/then/prioritty", "did you mean \"priority\"?"},
      {R"({"rules": [{"name": "", "then": {"action": "hold"}}]})", "/rules/0/name", "a name of 1 to 64"},
      {R"({"rules": [{"name": "a b", "then": {"action": "hold"}}]})", "/rules/0/name", "a name of 1 to 64"},
      {R"({"rules": [{"name": "-a", "then": {"action": "hold"}}]})", "/rules/0/name", "a name of 1 to 64"},
      {R"({"rules": [{"name": ")" + std::string(65, 'a') + R"(", "then": {"action": "hold"}}]})", "/rules/0/name",
       "a name of 1 to 64"},
      {R"({"rules": [{"name": "a", "than": 1, "then": {"action": "hold"}}]})", "/rules/0/than", "\"then\""},
      {R"({"limits": []})", "/limits", "expected an object"},
      {R"({"limits": {"open_incidents_per_device": 0}})", "/limits/open_incidents_per_device", "from 1 to"},
      {R"({"limits": {"storm_incidents_per_hour": 0}})", "/limits/storm_incidents_per_hour", "from 1 to"},
      {R"({"limits": {"lost_bytes_per_day": 9223372036854775808}})", "/limits/lost_bytes_per_day", "from 0 to"},
      {R"({"limits": {"repairs_per_hours": 1}})", "/limits/repairs_per_hours", "did you mean \"repairs_per_hour\"?"},
  };
  for (const auto& [text, pointer, message] : cases) {
    EXPECT_THAT(problems_of(text), HasSubstr(": " + pointer + ": ")) << text;
    EXPECT_THAT(problems_of(text), HasSubstr(message)) << text;
    const std::string problems = problems_of(text);
    EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 1) << problems;
  }
}

TEST(PolicyProblems, TextThatIsNotJsonIsOneProblemWithItsPlace) {
  const std::string deep(100, '[');
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("{}{}"), std::string("{\"rules\": [,]}"), std::string("nul"),
        std::string("\xEF\xBB\xBF{}"), std::string("{\"a\": \"\xFF\"}"), std::string("{}\0", 3), deep,
        std::string("/* no end"), std::string("{\"limits\": {\"repairs_per_hour\": 1e999}}"),
        std::string("{'rules': []}"), std::string(kConfigSizeLimit + 1, ' ')}) {
    const std::string problems = problems_of(text);
    EXPECT_THAT(problems, testing::MatchesRegex("f:[0-9]+:[0-9]+: [^\n]+\n")) << problems;
  }
}

TEST(PolicyProblems, ConditionsNestedTooDeepAreRefused) {
  std::string when = R"({"uid": 0})";
  for (int i = 0; i < 100; ++i) {
    when = negated(when);
  }
  EXPECT_THAT(problems_of(in_when(when)), HasSubstr("nested too deep"));
}

TEST(PolicyProblems, AreOneLineEachWhateverTheTextHolds) {
  const std::string problems =
      problems_of("{\"a\\nb\": 1, \"rules\": [{\"name\": \"x\\ny\", \"then\": {\"action\": \"\\u001b[2J\"}}]}");
  EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 3) << problems;
  EXPECT_EQ(problems.find('\x1b'), std::string::npos);
}

TEST(PolicyProblems, WhatUsersCanSetMayOnlyMakeADecisionMoreCareful) {
  const std::tuple<std::string, std::string, bool> cases[] = {
      {"repair", R"({"xattr": "user.x"})", false},
      {"repair", R"({"xattr": "*"})", false},
      {"repair", R"({"xattr": ["trusted.x", "user.x"]})", false},
      {"repair", R"({"xattr": "trusted.*"})", true},
      {"repair", R"({"xattr": "security.capability"})", true},
      {"repair", R"({"not": {"xattr": "user.x"}})", true},
      {"repair", R"({"not": {"not": {"xattr": "user.x"}}})", false},
      {"repair", R"({"any": [{"uid": 0}, {"xattr": "user.x"}]})", false},
      {"repair", R"({"not": {"any": [{"uid": 0}, {"xattr": "user.x"}]}})", true},
      {"hold", R"({"xattr": "user.x"})", true},
      {"hold", R"({"not": {"xattr": "user.x"}})", false},
      {"hold", R"({"not": {"xattr": "trusted.x"}})", true},
      {"observe", R"({"xattr": "user.x"})", true},
      {"observe", R"({"any": [{"not": {"xattr": "user.x"}}]})", false},
  };
  for (const auto& [action, when, allowed] : cases) {
    std::string text = R"({"rules": [{"name": "a", "when": )";
    text.append(when).append(R"(, "then": {"action": ")").append(action).append("\"}}]}");
    const std::string problems = problems_of(text);
    EXPECT_EQ(problems.empty(), allowed) << action << when << problems;
    if (!allowed) {
      EXPECT_THAT(problems, HasSubstr("more careful, never less"));
    }
  }
}

TEST(PolicyProblems, MoreRulesThanCanBeMeantAreRefusedInOneFileAndInSeveral) {
  const auto rules = [](std::size_t count, const std::string& prefix) {
    std::string text = "{\"rules\": [";
    for (std::size_t i = 0; i < count; ++i) {
      text += (i == 0 ? "" : ",") + ("{\"name\":\"" + prefix + std::to_string(i)) + R"(","then":{"action":"hold"}})";
    }
    return text + "]}";
  };
  EXPECT_THAT(problems_of(rules(10'001, "a")), HasSubstr("at most 10000"));
  const auto policy = parse_policy({{"a", rules(10'000, "a")}, {"b", rules(1, "b")}});
  ASSERT_FALSE(policy.has_value());
  EXPECT_EQ(to_string(policy.error()), "policy: got 10001 rules in all files, expected at most 10000\n");
}

}  // namespace
}  // namespace pmend
