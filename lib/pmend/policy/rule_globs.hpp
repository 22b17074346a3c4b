// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/policy/glob_set.hpp"
#include "pmend/policy/rule.hpp"

#include <optional>
#include <set>
#include <string_view>
#include <vector>

namespace pmend {

// The globs of all rules, compiled to one set per key.
class RuleGlobs {
 public:
  RuleGlobs() = default;  // of no rules
  // Errors: kInvalid, with the key whose globs together are too large.
  static Result<RuleGlobs> compile(const std::vector<Rule>& rules);

  // Those that match any of `texts`; the views last as long as this. Nothing if the matching ran out of memory.
  std::optional<std::set<std::string_view>> match(TextKey key, const std::vector<std::string_view>& texts) const;

 private:
  std::vector<GlobSet> sets_;  // by TextKey
};

}  // namespace pmend
