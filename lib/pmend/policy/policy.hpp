// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/decision.hpp"
#include "pmend/model/document.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/policy/facts.hpp"
#include "pmend/policy/finding.hpp"
#include "pmend/policy/rule.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pmend {

// What the policy says of one incident.
struct PolicyDecision {
  Decision decision;
  // With these a plan may be made, in order of preference; also for a hold, whose plan is shown for approval.
  std::vector<Method> methods{kDefaultMethods.begin(), kDefaultMethods.end()};
  // The plan has a method that is not among them: plan again with them. A repair has become a hold meanwhile.
  bool replan = false;
  std::optional<std::string> restore;
  std::vector<std::string> notify;
  std::int64_t priority = 0;

  friend bool operator==(const PolicyDecision&, const PolicyDecision&) = default;
};

// How one rule looks at an incident.
struct RuleExplanation {
  std::string rule;
  std::string where;  // "file:line:column"
  Action action = Action::kHold;
  bool matches = false;
  bool decides = false;          // the first one that matches
  std::optional<FilePath> name;  // the name that the findings are about: the one that speaks most for what came out
  Findings findings;             // one per key of its `when`

  friend bool operator==(const RuleExplanation&, const RuleExplanation&) = default;
};
struct PolicyExplanation {
  PolicyDecision outcome;
  std::vector<RuleExplanation> rules;  // all, in order, also those after the one that decides
};

// A whole loaded policy: an immutable value, cheap to copy. evaluate.hpp says when a rule matches; the first that does
// decides, and if none does the incident is held.
class Policy {
 public:
  // No rules: holds everything.
  Policy();
  // Problems: the globs together are too large.
  static tl::expected<Policy, ConfigProblems> compile(std::vector<Rule> rules, const PolicyLimits& limits);

  PolicyDecision decide(const PolicyFacts& facts) const;
  PolicyExplanation explain(const PolicyFacts& facts) const;
  // Before there is a plan: the methods of all rules that may come to decide once its numbers are known, in order of
  // preference. Numbers of a plan in `facts` are not looked at.
  std::vector<Method> methods_to_plan(const PolicyFacts& facts) const;

  // The costly facts that some rule needs.
  const std::vector<protocol::Fact>& facts_needed() const;
  // True if decisions may change with the time of day.
  bool depends_on_time() const;
  const PolicyLimits& limits() const;
  const std::vector<Rule>& rules() const;
  // SHA-256 of what it means: comments, files and the order of keys do not change it, defaults count as written.
  const std::string& hash() const;

 private:
  struct Compiled;
  explicit Policy(std::shared_ptr<const Compiled> compiled);

  std::shared_ptr<const Compiled> compiled_;
};

// {"rules": […], "limits": {…}} in the form of one policy file, complete.
Json to_json(const Policy& policy);
Json to_json(const RuleExplanation& explanation);
Json to_json(const PolicyExplanation& explanation);

}  // namespace pmend
