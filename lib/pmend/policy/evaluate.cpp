// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/evaluate.hpp"

#include <algorithm>
#include <utility>

namespace pmend {
namespace {

bool does_match(Action action, Truth truth) {
  return action == Action::kRepair ? truth == Truth::kYes : truth != Truth::kNo;
}

}  // namespace

Evaluation::Evaluation(const PolicyFacts& facts, const RuleGlobs& globs) : facts_(facts), globs_(globs) {
  for (const Subject& subject : subjects_of(facts.owners)) {
    views_.push_back({subject, {}});
  }
}

Verdict Evaluation::look(const Rule& rule) {
  if (guard_against(rule)) {
    return {};
  }
  Verdict verdict;
  decisive_view(rule, verdict.truth);
  verdict.matches = does_match(rule.then.action, verdict.truth);
  return verdict;
}

Verdict Evaluation::explain(const Rule& rule) {
  if (auto guard = guard_against(rule)) {
    Verdict verdict;
    verdict.findings.push_back(std::move(*guard));
    return verdict;
  }
  Verdict verdict;
  View& view = decisive_view(rule, verdict.truth);
  verdict.matches = does_match(rule.then.action, verdict.truth);
  if (view.subject.name != nullptr) {
    verdict.name = *view.subject.name;
  }
  verdict.findings = findings_of(rule.when, view);
  return verdict;
}

std::optional<Finding> Evaluation::guard_against(const Rule& rule) {
  if (rule.then.action != Action::kRepair) {
    return std::nullopt;
  }
  if (facts_.recurrence && !says_so(rule, FlagKey::kRecurrence)) {
    return Finding{"recurrence", Truth::kNo, "true, which a repair rule must name to match"};
  }
  if (facts_.phantom == true && !says_so(rule, FlagKey::kPhantom)) {
    return Finding{"phantom", Truth::kNo, "true, which a repair rule must name to match"};
  }
  return std::nullopt;
}

// A rule that does not match is no matter of ours.
bool Evaluation::says_so(const Rule& rule, FlagKey key) {
  return names_flag(rule, key) && std::all_of(views_.begin(), views_.end(), [&](View& view) {
           return truth_of_all(rule.when, view) != Truth::kYes || says_so(rule.when, key, view);
         });
}

bool Evaluation::says_so(const When& when, FlagKey key, View& view) {
  const auto says = [&](const When& part, bool wanted) {
    return std::any_of(part.flags.begin(), part.flags.end(), [&](const FlagCondition& condition) {
      return condition.key == key && condition.wanted == wanted;
    });
  };
  return says(when, true) ||
         std::any_of(when.any.begin(), when.any.end(),
                     [&](const When& alternative) {
                       return truth_of_all(alternative, view) == Truth::kYes && says_so(alternative, key, view);
                     }) ||
         std::any_of(when.negated.begin(), when.negated.end(),
                     [&](const When& negated) { return says(negated, false); });
}

// The first subject with the weakest answer for a repair rule, with the strongest for the others.
Evaluation::View& Evaluation::decisive_view(const Rule& rule, Truth& truth) {
  const bool all_must = rule.then.action == Action::kRepair;
  View* decisive = nullptr;
  for (View& view : views_) {
    const Truth answer = truth_of_all(rule.when, view);
    if (decisive == nullptr || (all_must ? answer < truth : answer > truth)) {
      decisive = &view;
      truth = answer;
    }
    if (truth == (all_must ? Truth::kNo : Truth::kYes)) {
      break;
    }
  }
  return *decisive;
}

const Evaluation::View::Matches& Evaluation::matches_of(View& view, TextKey key) {
  auto& matches = view.matches[static_cast<std::size_t>(key)];
  if (!matches) {
    const auto texts = texts_of(key, facts_, view.subject);
    matches.emplace(texts ? globs_.match(key, *texts) : std::nullopt);
  }
  return *matches;
}

Truth Evaluation::truth_of_all(const When& when, View& view) {
  Truth truth = Truth::kYes;
  for (const TextCondition& condition : when.texts) {
    truth = std::min(truth, truth_of(condition, matches_of(view, condition.key)));
  }
  for (const NumberCondition& condition : when.numbers) {
    truth = std::min(truth, truth_of(condition, numbers_of(condition.key, facts_, view.subject)));
  }
  for (const FlagCondition& condition : when.flags) {
    truth = std::min(truth, truth_of(condition, flag_of(condition.key, facts_, view.subject)));
  }
  if (!when.owners.empty()) {
    truth = std::min(truth, truth_of(when.owners, owner_of(view.subject)));
  }
  if (!when.times.empty()) {
    truth = std::min(truth, truth_of(when.times, facts_.local_time));
  }
  return truth == Truth::kNo ? truth : std::min(truth, truth_of_composites(when, view));
}

Truth Evaluation::truth_of_composites(const When& when, View& view) {
  Truth any = when.any.empty() ? Truth::kYes : Truth::kNo;
  for (const When& alternative : when.any) {
    any = std::max(any, truth_of_all(alternative, view));
  }
  return when.negated.empty() ? any : std::min(any, negation_of(truth_of_all(when.negated.front(), view)));
}

Findings Evaluation::findings_of(const When& when, View& view) {
  Findings findings;
  for (const TextCondition& condition : when.texts) {
    const auto values = texts_of(condition.key, facts_, view.subject);
    findings.push_back(finding_of(condition, values, matches_of(view, condition.key)));
  }
  for (const NumberCondition& condition : when.numbers) {
    findings.push_back(finding_of(condition, numbers_of(condition.key, facts_, view.subject)));
  }
  for (const FlagCondition& condition : when.flags) {
    findings.push_back(finding_of(condition, flag_of(condition.key, facts_, view.subject)));
  }
  if (!when.owners.empty()) {
    findings.push_back(finding_of(when.owners, owner_of(view.subject)));
  }
  if (!when.times.empty()) {
    findings.push_back(finding_of(when.times, facts_.local_time));
  }
  add_composite_findings(when, view, findings);
  return findings;
}

void Evaluation::add_composite_findings(const When& when, View& view, Findings& findings) {
  if (!when.any.empty()) {
    Finding any{"any", Truth::kNo, {}};
    std::vector<std::string> alternatives;
    for (const When& alternative : when.any) {
      any.truth = std::max(any.truth, truth_of_all(alternative, view));
      alternatives.push_back(joined(findings_of(alternative, view)));
    }
    any.detail = joined(alternatives, " or ");
    findings.push_back(std::move(any));
  }
  if (!when.negated.empty()) {
    const When& inner = when.negated.front();
    findings.push_back({"not", negation_of(truth_of_all(inner, view)), joined(findings_of(inner, view))});
  }
}

}  // namespace pmend
