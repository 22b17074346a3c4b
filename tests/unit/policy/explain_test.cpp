// SPDX-License-Identifier: Apache-2.0
#include "builders.hpp"
#include "pmend/model/json_text.hpp"

#include <gmock/gmock.h>

#include <string>

namespace pmend {
namespace {

using testing::ElementsAre;

// The findings of the only rule.
std::vector<std::string> findings(const std::string& when, Action action, const PolicyFacts& facts) {
  std::vector<std::string> lines;
  const PolicyExplanation explanation = policy_when(when, action).explain(facts);
  for (const Finding& finding : explanation.rules.at(0).findings) {
    lines.push_back(std::string(to_string(finding.truth)) + " " + finding.to_string());
  }
  return lines;
}

TEST(PolicyExplain, SaysForEachKeyWhatIsAndWhatWasExpected) {
  Owner file = file_named({"/srv/b\xFF"});
  file.open_by.reset();
  file.xattrs = {{"user.a", ""}, {"user.b", ""}};
  const PolicyFacts facts = facts_about({file});
  const auto of = [&](const std::string& when) { return findings(when, Action::kHold, facts); };
  EXPECT_THAT(of(R"({"path": "/srv/**"})"), ElementsAre(R"(yes path: "/srv/b\xff" matches "/srv/**")"));
  EXPECT_THAT(of(R"({"path": ["/b", "/a"]})"), ElementsAre(R"(no path: "/srv/b\xff", expected "/a" or "/b")"));
  EXPECT_THAT(of(R"({"open_by": "x"})"), ElementsAre(R"(unknown open_by: unknown, expected "x")"));
  EXPECT_THAT(of(R"({"xattr": "user.b"})"), ElementsAre(R"(yes xattr: "user.a", "user.b" matches "user.b")"));
  EXPECT_THAT(of(R"({"bytes_bad": {"max": 9}})"), ElementsAre("no bytes_bad: 512, expected at most 9"));
  EXPECT_THAT(of(R"({"uid": [7, {"min": 2000}, {"min": 8, "max": 9}]})"),
              ElementsAre("no uid: 1000, expected 7 or 8 to 9 or 2000 or more"));
  EXPECT_THAT(of(R"({"uid": 1000})"), ElementsAre("yes uid: 1000"));
  EXPECT_THAT(of(R"({"shared": true})"), ElementsAre("no shared: false, expected true"));
  EXPECT_THAT(of(R"({"owner": ["free", "raw"]})"), ElementsAre("no owner: file, expected free or raw"));
  EXPECT_THAT(of(R"({"time": [{"from": "22:00", "to": "06:00"}, {"days": ["sun", "sat"]}]})"),
              ElementsAre("no time: wed 12:00, expected 22:00-06:00 or 00:00-24:00 (sun, sat)"));
  EXPECT_THAT(of(R"({"not": {"owner": "file", "uid": 1000}})"), ElementsAre("no not: (uid: 1000 and owner: file)"));
  EXPECT_THAT(of(R"({"any": [{"uid": 5}, {"gid": 100, "shared": true}]})"),
              ElementsAre("no any: uid: 1000, expected 5 or (gid: 100 and shared: false, expected true)"));
}

TEST(PolicyExplain, LongListsAreCutShort) {
  std::string globs;
  for (char c = 'a'; c <= 'z'; ++c) {
    globs += std::string(globs.empty() ? "" : ",") + "\"/" + c + "\"";
  }
  const auto lines = findings(R"({"path": [)" + globs + "]}", Action::kHold, facts_about({file_named({"/1"})}));
  EXPECT_THAT(lines, ElementsAre(R"(no path: "/1", expected "/a" or "/b" or "/c" or "/d" or …)"));
}

TEST(PolicyExplain, ShowsTheNameThatDecided) {
  const PolicyFacts facts = facts_about({file_named({"/a/x", "/b/x"})});
  const auto repair = policy_when(R"({"path": "/a/**"})", Action::kRepair).explain(facts).rules.at(0);
  EXPECT_FALSE(repair.matches);
  EXPECT_EQ(repair.name->bytes, "/b/x");
  const auto hold = policy_when(R"({"path": "/b/**"})", Action::kHold).explain(facts).rules.at(0);
  EXPECT_TRUE(hold.matches);
  EXPECT_EQ(hold.name->bytes, "/b/x");
}

TEST(PolicyExplain, ShowsAllRulesAndWhichOneDecides) {
  const Policy policy = policy_with(R"([
      {"name": "a", "when": {"uid": 5}, "then": {"action": "repair"}},
      {"name": "b", "when": {"uid": 1000}, "then": {"action": "observe"}},
      {"name": "c", "then": {"action": "hold"}}])");
  const PolicyFacts facts = facts_about({file_named({"/srv/a"})});
  const PolicyExplanation explanation = policy.explain(facts);
  EXPECT_EQ(explanation.outcome, policy.decide(facts));
  ASSERT_EQ(explanation.rules.size(), 3U);
  EXPECT_FALSE(explanation.rules[0].matches);
  EXPECT_TRUE(explanation.rules[1].matches);
  EXPECT_TRUE(explanation.rules[1].decides);
  EXPECT_TRUE(explanation.rules[2].matches);
  EXPECT_FALSE(explanation.rules[2].decides);
  EXPECT_EQ(explanation.rules[1].where, "f:3:7");
}

TEST(PolicyExplain, SaysThatARepairRuleHasToNameARecurrence) {
  PolicyFacts facts = facts_about({file_named({"/srv/a"})});
  facts.recurrence = true;
  EXPECT_THAT(findings(R"({"uid": 1000})", Action::kRepair, facts),
              ElementsAre("no recurrence: true, which a repair rule must name to match"));
}

TEST(PolicyExplain, HasAJsonForm) {
  const Policy policy = policy_when(R"({"uid": 5})", Action::kRepair);
  EXPECT_EQ(
      to_json_text(to_json(policy.explain(facts_about({file_named({"/srv/a"})})))),
      R"({"decision":{"action":"hold","reasons":["no rule matches","not rule r: uid: 1000, expected 5"],"rule":""},)"
      R"("methods":["redirty","exchange","recovery-write","rewrite"],"replan":false,)"
      R"("rules":[{"action":"repair","decides":false,"findings":[{"detail":"1000, expected 5","holds":"no",)"
      R"("key":"uid"}],"matches":false,"path":{"text":"/srv/a"},"rule":"r","where":"f:1:12"}]})");
}

}  // namespace
}  // namespace pmend
