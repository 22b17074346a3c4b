// SPDX-License-Identifier: Apache-2.0
#include "pmend/policy/rule_globs.hpp"

#include <array>
#include <string>
#include <utility>

namespace pmend {

Result<RuleGlobs> RuleGlobs::compile(const std::vector<Rule>& rules) {
  std::array<std::set<std::string>, kTextKeyNames.size()> globs;
  for (const Rule& rule : rules) {
    visit_each(rule.when, [&](const When& when) {
      for (const TextCondition& condition : when.texts) {
        globs[static_cast<std::size_t>(condition.key)].insert(condition.globs.begin(), condition.globs.end());
      }
    });
  }
  RuleGlobs out;
  for (const auto& [key, name] : kTextKeyNames) {
    auto set = GlobSet::compile(globs[static_cast<std::size_t>(key)]);
    if (!set) {
      return fail(Errc::kInvalid, "the globs of \"" + std::string(name) + "\" of all rules together are too large");
    }
    out.sets_.push_back(std::move(*set));
  }
  return out;
}

std::optional<std::set<std::string_view>> RuleGlobs::match(TextKey key,
                                                           const std::vector<std::string_view>& texts) const {
  std::set<std::string_view> matched;
  if (sets_.empty()) {
    return matched;
  }
  for (const std::string_view text : texts) {
    const auto of_text = sets_[static_cast<std::size_t>(key)].match(text);
    if (!of_text) {
      return std::nullopt;
    }
    matched.insert(of_text->begin(), of_text->end());
  }
  return matched;
}

}  // namespace pmend
