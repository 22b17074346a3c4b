// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/policy/finding.hpp"
#include "pmend/policy/rule_globs.hpp"
#include "pmend/policy/subject.hpp"

#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

namespace pmend {

// How one rule looks at one incident.
struct Verdict {
  bool matches = false;
  Truth truth = Truth::kNo;      // of the subject that decided it
  std::optional<FilePath> name;  // only from explain(): the name of that subject, where it has one
  Findings findings;             // only from explain(): one per key, of that subject
};

// Whether rules match an incident. The answers have three values, for what is not known must never let a repair through
// and never keep a hold away:
//   - a condition on an unknown fact is unknown; `all`, `any` and `not` follow Kleene, so not(unknown) is unknown;
//   - a rule is asked once for every name of every owner, as if there were no other: so `path`, `uid` and the rest are
//     always about one and the same file, also inside `any` and `not`;
//   - a repair rule matches if all of these answers are yes, a hold or observe rule if any of them is not no;
//   - a repair rule does not match a recurrence (phantom) unless what makes it match says `recurrence: true`, so that
//     nobody allows it by accident.
class Evaluation {
 public:
  // Borrows both.
  Evaluation(const PolicyFacts& facts, const RuleGlobs& globs);

  Verdict look(const Rule& rule);
  // The same, and why.
  Verdict explain(const Rule& rule);

 private:
  // A subject and what of all rules' globs matches it, found when first needed.
  struct View {
    using Matches = std::optional<std::set<std::string_view>>;
    Subject subject;
    std::array<std::optional<Matches>, kTextKeyNames.size()> matches;
  };

  const View::Matches& matches_of(View& view, TextKey key);
  Truth truth_of_all(const When& when, View& view);
  Truth truth_of_composites(const When& when, View& view);
  Findings findings_of(const When& when, View& view);
  void add_composite_findings(const When& when, View& view, Findings& findings);
  // Why a repair rule does not match although its `when` may.
  std::optional<Finding> guard_against(const Rule& rule);
  // What `when`, which holds, owes to its saying that the flag is true: one of the conditions that must all hold, or
  // an alternative that holds.
  bool says_so(const When& when, FlagKey key, View& view);
  bool says_so(const Rule& rule, FlagKey key);
  View& decisive_view(const Rule& rule, Truth& truth);

  const PolicyFacts& facts_;
  const RuleGlobs& globs_;
  std::vector<View> views_;
};

}  // namespace pmend
