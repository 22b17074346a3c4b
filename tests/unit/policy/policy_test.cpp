// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/policy.hpp"

#include "builders.hpp"
#include "pmend/base/text.hpp"
#include "pmend/model/json_text.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace pmend {
namespace {

using protocol::Fact;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<Method> kDefaults(kDefaultMethods.begin(), kDefaultMethods.end());

TEST(Policy, WithoutRulesHoldsEverything) {
  const PolicyDecision outcome = Policy().decide(facts_about({file_named({"/srv/a"})}));
  EXPECT_EQ(outcome.decision.action, Action::kHold);
  EXPECT_EQ(outcome.decision.rule, "");
  EXPECT_THAT(outcome.decision.reasons, ElementsAre("no rule matches"));
  EXPECT_EQ(outcome.methods, kDefaults);
}

TEST(Policy, FirstRuleThatMatchesDecides) {
  const Policy policy = policy_with(R"([
      {"name": "a", "when": {"path": "/a/**"}, "then": {"action": "observe"}},
      {"name": "b", "when": {"uid": 1000}, "then": {"action": "repair", "priority": 7, "restore": "hook",
                                                     "notify": "x", "methods": ["rewrite", "redirty"]}},
      {"name": "c", "then": {"action": "hold"}}])");
  EXPECT_EQ(policy.decide(facts_about({file_named({"/a/x"})})).decision.rule, "a");
  EXPECT_EQ(policy.decide(facts_about({owner_of_kind(OwnerKind::kFree)})).decision.rule, "c");
  const PolicyDecision outcome = policy.decide(facts_about({file_named({"/b/x"})}));
  EXPECT_EQ(outcome.decision.rule, "b");
  EXPECT_EQ(outcome.decision.action, Action::kRepair);
  EXPECT_THAT(outcome.decision.reasons, ElementsAre("uid: 1000"));
  EXPECT_EQ(outcome.priority, 7);
  EXPECT_EQ(outcome.restore, "hook");
  EXPECT_THAT(outcome.notify, ElementsAre("x"));
  EXPECT_THAT(outcome.methods, ElementsAre(Method::kRedirty, Method::kRewrite));
}

TEST(Policy, AHoldThatNoRuleAskedForSaysWhyRepairRulesDidNotMatch) {
  const Policy policy = policy_with(R"([
      {"name": "watch", "when": {"owner": "raw"}, "then": {"action": "observe"}},
      {"name": "nothing-lost", "when": {"owner": "file", "bytes_lost": {"max": 0}}, "then": {"action": "repair"}}])");
  PolicyFacts facts = facts_about({file_named({"/srv/a"})});
  facts.bytes_lost = 512;
  EXPECT_THAT(policy.decide(facts).decision.reasons,
              ElementsAre("no rule matches", "not rule nothing-lost: bytes_lost: 512, expected 0"));
}

TEST(Policy, MethodsThatDestroyMustBeNamed) {
  const Policy policy = policy_with(R"([{"name": "a", "then": {"action": "repair"}}])");
  PolicyFacts facts = facts_about({file_named({"/srv/a"})});
  for (const auto& [method, name] : kMethodNames) {
    facts.plan_methods = {Method::kRedirty, method};
    const PolicyDecision outcome = policy.decide(facts);
    const bool allowed = std::find(kDefaults.begin(), kDefaults.end(), method) != kDefaults.end();
    EXPECT_EQ(outcome.decision.action, allowed ? Action::kRepair : Action::kHold) << name;
    EXPECT_EQ(outcome.replan, !allowed) << name;
    if (!allowed) {
      EXPECT_THAT(outcome.decision.reasons.back(), HasSubstr(name));
    }
  }
}

TEST(Policy, APlanShownForApprovalIsAlsoOfAllowedMethods) {
  const Policy policy = policy_with(R"([{"name": "a", "then": {"action": "hold", "methods": ["redirty"]}}])");
  PolicyFacts facts = facts_about({file_named({"/srv/a"})});
  facts.plan_methods = {Method::kRewrite};
  EXPECT_TRUE(policy.decide(facts).replan);
  EXPECT_THAT(policy.decide(facts).methods, ElementsAre(Method::kRedirty));
}

TEST(Policy, PlansWithTheMethodsOfAllRulesThatMayDecide) {
  const Policy policy = policy_with(R"([
      {"name": "no", "when": {"owner": "free"}, "then": {"action": "repair", "methods": ["punch"]}},
      {"name": "lossless", "when": {"bytes_lost": 0}, "then": {"action": "repair", "methods": ["frozen-write"]}},
      {"name": "files", "when": {"owner": "file"}, "then": {"action": "hold", "methods": ["redirty"]}},
      {"name": "late", "then": {"action": "repair", "methods": ["zeroinit"]}}])");
  PolicyFacts facts = facts_about({file_named({"/srv/a"})});
  facts.bytes_lost = 512;  // of an older plan
  EXPECT_THAT(policy.methods_to_plan(facts), ElementsAre(Method::kRedirty, Method::kFrozenWrite));
  EXPECT_EQ(Policy().methods_to_plan(facts), kDefaults);
  facts.recurrence = true;
  EXPECT_THAT(policy.methods_to_plan(facts), ElementsAre(Method::kRedirty));
}

TEST(Policy, AsksOnlyForFactsThatARuleNeeds) {
  const std::vector<std::pair<std::string, std::vector<Fact>>> cases = {
      {R"({"device": "/dev/sda", "owner": "file", "bytes_lost": 0, "shared": false, "source": "ars"})", {}},
      {R"({"path": "/a"})", {Fact::kNames}},
      {R"({"uid": 0})", {Fact::kAttributes}},
      {R"({"gid": 0})", {Fact::kAttributes}},
      {R"({"file_size": 0})", {Fact::kAttributes}},
      {R"({"open_by": "a"})", {Fact::kOpenBy}},
      {R"({"mapped": false})", {Fact::kOpenBy}},
      {R"({"xattr": "user.a"})", {Fact::kXattrs}},
      {R"({"phantom": true})", {Fact::kPhantom}},
      {R"({"any": [{"path": "/a"}, {"not": {"uid": 0}}]})", {Fact::kNames, Fact::kAttributes}},
  };
  for (const auto& [when, facts] : cases) {
    EXPECT_EQ(policy_when(when, Action::kHold).facts_needed(), facts) << when;
  }
  EXPECT_THAT(policy_when("{}", Action::kRepair).facts_needed(), ElementsAre(Fact::kPhantom));
  EXPECT_TRUE(Policy().facts_needed().empty());
}

TEST(Policy, KnowsWhetherItDependsOnTheTimeOfDay) {
  EXPECT_FALSE(policy_when(R"({"uid": 0})", Action::kHold).depends_on_time());
  EXPECT_TRUE(policy_when(R"({"not": {"any": [{"time": {"days": "sun"}}]}})", Action::kHold).depends_on_time());
}

TEST(PolicyHash, IsOfWhatThePolicyMeans) {
  const Policy policy = *parse_policy({{"a", R"({"rules": [
      {"name": "x", "when": {"uid": [1, 2], "path": "/a"}, "then": {"action": "repair"}},
      {"name": "y", "then": {"action": "hold"}}]})"}});
  EXPECT_TRUE(is_sha256_hex(policy.hash()));
  const Policy same = *parse_policy({{"b", R"({"rules": [ // other file, other order, a comment
          {"then": {"methods": ["rewrite", "exchange", "redirty", "recovery-write"], "priority": 0, "action": "repair"},
           "when": {"path": ["/a", "/a"], "uid": [{"min": 2, "max": 2}, 1]}, "name": "x"}]})"},
                                     {"c", R"({"rules": [{"name": "y", "when": {}, "then": {"action": "hold"}}],
                 "limits": {"repairs_per_hour": 64, "lost_bytes_per_day": 1048576}})"}});
  EXPECT_EQ(policy.hash(), same.hash());
}

TEST(PolicyHash, ChangesWithWhatChangesDecisions) {
  const std::string rule = R"({"rules": [{"name": "x", "when": {"uid": 1}, "then": {"action": "repair"}}]})";
  const std::vector<std::string> others = {
      R"({"rules": [{"name": "z", "when": {"uid": 1}, "then": {"action": "repair"}}]})",
      R"({"rules": [{"name": "x", "when": {"uid": 2}, "then": {"action": "repair"}}]})",
      R"({"rules": [{"name": "x", "when": {"gid": 1}, "then": {"action": "repair"}}]})",
      R"({"rules": [{"name": "x", "when": {"uid": {"min": 1}}, "then": {"action": "repair"}}]})",
      R"({"rules": [{"name": "x", "when": {"not": {"uid": 1}}, "then": {"action": "repair"}}]})",
      R"({"rules": [{"name": "x", "when": {"any": [{"uid": 1}]}, "then": {"action": "repair"}}]})",
      R"({"rules": [{"name": "x", "when": {"uid": 1}, "then": {"action": "hold"}}]})",
      R"({"rules": [{"name": "x", "when": {"uid": 1}, "then": {"action": "repair", "methods": ["redirty"]}}]})",
      R"({"rules": [{"name": "x", "when": {"uid": 1}, "then": {"action": "repair", "priority": 1}}]})",
      R"({"rules": [{"name": "x", "when": {"uid": 1}, "then": {"action": "repair", "restore": "r"}}]})",
      R"({"rules": [{"name": "x", "when": {"uid": 1}, "then": {"action": "repair", "notify": "n"}}]})",
      R"({"rules": [{"name": "x", "when": {"uid": 1, "filesystem": {"type": "xfs"}}, "then": {"action": "repair"}}]})",
      R"({"rules": [{"name": "x", "when": {"uid": 1, "time": {"days": "sun"}}, "then": {"action": "repair"}}]})",
      R"({"rules": [{"name": "x", "when": {"uid": 1}, "then": {"action": "repair"}}], "limits": {"repairs_per_hour": 1}})",
      R"({})",
  };
  std::set<std::string> hashes = {parse_policy({{"a", rule}})->hash()};
  for (const std::string& other : others) {
    const auto policy = parse_policy({{"a", other}});
    ASSERT_TRUE(policy.has_value()) << to_string(policy.error());
    EXPECT_TRUE(hashes.insert(policy->hash()).second) << other;
  }
  EXPECT_EQ(parse_policy({{"a", "{}"}})->hash(), Policy().hash());
}

TEST(PolicyHash, WrittenPolicyIsAPolicyFileThatMeansTheSame) {
  const auto policy = parse_policy({{"a", R"({"rules": [{"name": "x", "when": {
      "device": "/dev/a", "filesystem": {"type": "xfs", "uuid": "u", "label": "l"}, "mount_point": "/m",
      "owner": ["file", "raw"], "path": ["/b", "/a"], "uid": {"min": 1}, "gid": 0, "file_size": {"max": 9},
      "bytes_bad": 1, "bytes_lost": [3, {"max": 1}], "shared": true, "open_by": "c", "mapped": false,
      "recurrence": false, "phantom": true, "source": "ars", "xattr": "trusted.x",
      "time": {"from": "22:00", "to": "06:30", "days": "sun"}, "any": [{"uid": 1}, {"not": {"uid": 2}}],
      "not": {"gid": 4}}, "then": {"action": "repair", "methods": ["punch"], "restore": "r", "notify": ["b", "a"],
      "priority": -5}}], "limits": {"repairs_per_hour": 3}})"}});
  ASSERT_TRUE(policy.has_value()) << to_string(policy.error());
  const std::string written = to_json_text(to_json(*policy));
  const auto again = parse_policy({{"b", written}});
  ASSERT_TRUE(again.has_value()) << to_string(again.error());
  EXPECT_EQ(again->hash(), policy->hash());
  EXPECT_EQ(to_json_text(to_json(*again)), written);
}

TEST(PolicyFactsOf, TakesWhatTheIncidentSays) {
  Incident incident;
  incident.device = "/dev/pmem0";
  incident.sources = {"ars"};
  incident.owners = {file_named({"/srv/a"})};
  PolicyFacts facts = facts_of(incident);
  EXPECT_EQ(facts.device, "/dev/pmem0");
  EXPECT_EQ(facts.owners, incident.owners);
  EXPECT_THAT(facts.sources, ElementsAre("ars"));
  EXPECT_FALSE(facts.bytes_lost.has_value());
  EXPECT_TRUE(facts.plan_methods.empty());
  incident.plan = PlanSummary{"hash", Method::kRewrite, 1, 512, 3584, 512};
  facts = facts_of(incident);
  EXPECT_EQ(facts.bytes_bad, 512);
  EXPECT_EQ(facts.bytes_lost, 512);
  EXPECT_THAT(facts.plan_methods, ElementsAre(Method::kRewrite));
}

}  // namespace
}  // namespace pmend
