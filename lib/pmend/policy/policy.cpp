// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/policy.hpp"

#include "pmend/base/text.hpp"
#include "pmend/model/json_fields.hpp"
#include "pmend/policy/evaluate.hpp"
#include "pmend/policy/rule_globs.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace pmend {

using protocol::Fact;

struct Policy::Compiled {
  std::vector<Rule> rules;
  PolicyLimits limits;
  RuleGlobs globs;
  std::vector<Fact> facts_needed;
  bool depends_on_time = false;
  std::string hash;
};

namespace {

constexpr std::size_t kMostNearMisses = 3;

bool has(const std::vector<Method>& methods, Method method) {
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

Json canonical_json(const std::vector<Rule>& rules, const PolicyLimits& limits) {
  FieldWriter out;
  out("rules", rules);
  out("limits", limits);
  return out.take();
}

void add_facts(const When& when, std::set<Fact>& facts) {
  for (const TextCondition& condition : when.texts) {
    if (condition.key == TextKey::kPath) {
      facts.insert(Fact::kNames);
    } else if (condition.key == TextKey::kOpenBy) {
      facts.insert(Fact::kOpenBy);
    } else if (condition.key == TextKey::kXattr) {
      facts.insert(Fact::kXattrs);
    }
  }
  for (const NumberCondition& condition : when.numbers) {
    if (condition.key == NumberKey::kUid || condition.key == NumberKey::kGid || condition.key == NumberKey::kFileSize) {
      facts.insert(Fact::kAttributes);
    }
  }
  for (const FlagCondition& condition : when.flags) {
    if (condition.key == FlagKey::kMapped) {
      facts.insert(Fact::kOpenBy);
    } else if (condition.key == FlagKey::kPhantom) {
      facts.insert(Fact::kPhantom);
    }
  }
}

std::vector<Fact> facts_of_rules(const std::vector<Rule>& rules) {
  std::set<Fact> facts;
  for (const Rule& rule : rules) {
    visit_each(rule.when, [&](const When& when) { add_facts(when, facts); });
    if (rule.then.action == Action::kRepair) {
      facts.insert(Fact::kPhantom);  // a phantom is kept from rules that do not name it
    }
  }
  return {facts.begin(), facts.end()};
}

bool asks_for_time(const std::vector<Rule>& rules) {
  bool found = false;
  for (const Rule& rule : rules) {
    visit_each(rule.when, [&](const When& when) { found = found || !when.times.empty(); });
  }
  return found;
}

// Why the repair rules before did not match: what somebody who wonders about a hold wants to know first.
void add_near_misses(const std::vector<Rule>& rules, Evaluation& evaluation, std::vector<std::string>& reasons) {
  std::size_t shown = 0;
  for (const Rule& rule : rules) {
    if (rule.then.action != Action::kRepair) {
      continue;
    }
    if (shown++ == kMostNearMisses) {
      return;
    }
    for (const Finding& finding : evaluation.explain(rule).findings) {
      if (finding.truth != Truth::kYes) {
        reasons.push_back("not rule " + rule.name + ": " + finding.to_string());
        break;
      }
    }
  }
}

// A plan is carried out only with methods that the rule which decides allows.
void check_methods(const PolicyFacts& facts, PolicyDecision& outcome) {
  for (const Method method : facts.plan_methods) {
    if (has(outcome.methods, method)) {
      continue;
    }
    outcome.replan = true;
    outcome.decision.reasons.push_back("the plan needs the method " + std::string(to_string(method)) +
                                       ", which is not allowed");
    if (outcome.decision.action == Action::kRepair) {
      outcome.decision.action = Action::kHold;
    }
  }
}

PolicyDecision decision_by(const Rule& rule, const Verdict& verdict) {
  PolicyDecision outcome;
  outcome.decision.action = rule.then.action;
  outcome.decision.rule = rule.name;
  for (const Finding& finding : verdict.findings) {
    outcome.decision.reasons.push_back(finding.to_string());
  }
  if (verdict.findings.empty()) {
    outcome.decision.reasons.emplace_back("the rule has no conditions");
  }
  outcome.methods = rule.then.methods;
  outcome.restore = rule.then.restore;
  outcome.notify = rule.then.notify;
  outcome.priority = rule.then.priority;
  return outcome;
}

PolicyDecision decision_by_none(const std::vector<Rule>& rules, Evaluation& evaluation) {
  PolicyDecision outcome;
  outcome.decision.action = Action::kHold;
  outcome.decision.reasons.emplace_back("no rule matches");
  add_near_misses(rules, evaluation, outcome.decision.reasons);
  return outcome;
}

}  // namespace

Policy::Policy() {
  auto compiled = std::make_shared<Compiled>();
  compiled->hash = sha256_hex(to_json_text(canonical_json({}, {})));
  compiled_ = std::move(compiled);
}

Policy::Policy(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

tl::expected<Policy, ConfigProblems> Policy::compile(std::vector<Rule> rules, const PolicyLimits& limits) {
  auto globs = RuleGlobs::compile(rules);
  if (!globs) {
    return tl::make_unexpected(ConfigProblems{{"policy", std::nullopt, {}, globs.error().what}});
  }
  auto compiled = std::make_shared<Compiled>();
  compiled->hash = sha256_hex(to_json_text(canonical_json(rules, limits)));
  compiled->facts_needed = facts_of_rules(rules);
  compiled->depends_on_time = asks_for_time(rules);
  compiled->globs = std::move(*globs);
  compiled->limits = limits;
  compiled->rules = std::move(rules);
  return Policy(std::move(compiled));
}

PolicyDecision Policy::decide(const PolicyFacts& facts) const {
  Evaluation evaluation(facts, compiled_->globs);
  const auto& rules = compiled_->rules;
  const auto first =
      std::find_if(rules.begin(), rules.end(), [&](const Rule& rule) { return evaluation.look(rule).matches; });
  PolicyDecision outcome =
      first == rules.end() ? decision_by_none(rules, evaluation) : decision_by(*first, evaluation.explain(*first));
  check_methods(facts, outcome);
  return outcome;
}

PolicyExplanation Policy::explain(const PolicyFacts& facts) const {
  PolicyExplanation explanation;
  explanation.outcome = decide(facts);
  Evaluation evaluation(facts, compiled_->globs);
  for (const Rule& rule : compiled_->rules) {
    Verdict verdict = evaluation.explain(rule);
    explanation.rules.push_back({rule.name, rule.where(), rule.then.action, verdict.matches,
                                 rule.name == explanation.outcome.decision.rule, std::move(verdict.name),
                                 std::move(verdict.findings)});
  }
  return explanation;
}

std::vector<Method> Policy::methods_to_plan(const PolicyFacts& facts) const {
  PolicyFacts before = facts;
  before.bytes_bad.reset();
  before.bytes_lost.reset();
  Evaluation evaluation(before, compiled_->globs);
  std::set<Method> methods;
  for (const Rule& rule : compiled_->rules) {
    const Truth truth = evaluation.look(rule).truth;
    if (truth != Truth::kNo) {
      methods.insert(rule.then.methods.begin(), rule.then.methods.end());
    }
    if (truth == Truth::kYes) {
      return {methods.begin(), methods.end()};
    }
  }
  methods.insert(kDefaultMethods.begin(), kDefaultMethods.end());
  return {methods.begin(), methods.end()};
}

const std::vector<Fact>& Policy::facts_needed() const {
  return compiled_->facts_needed;
}
bool Policy::depends_on_time() const {
  return compiled_->depends_on_time;
}
const PolicyLimits& Policy::limits() const {
  return compiled_->limits;
}
const std::vector<Rule>& Policy::rules() const {
  return compiled_->rules;
}
const std::string& Policy::hash() const {
  return compiled_->hash;
}

Json to_json(const Policy& policy) {
  return canonical_json(policy.rules(), policy.limits());
}

Json to_json(const Finding& finding) {
  FieldWriter out;
  out("key", finding.key);
  out("holds", finding.truth);
  out("detail", finding.detail);
  return out.take();
}

Json to_json(const RuleExplanation& explanation) {
  FieldWriter out;
  out("rule", explanation.rule);
  out("where", explanation.where);
  out("action", explanation.action);
  out("matches", explanation.matches);
  out("decides", explanation.decides);
  out("path", explanation.name);
  out("findings", explanation.findings);
  return out.take();
}

Json to_json(const PolicyExplanation& explanation) {
  FieldWriter out;
  out("decision", explanation.outcome.decision);
  out("methods", explanation.outcome.methods);
  out("replan", explanation.outcome.replan);
  out("rules", explanation.rules);
  return out.take();
}

}  // namespace pmend
