// SPDX-License-Identifier: Apache-2.0
#include "builders.hpp"

#include <cstdio>
#include <cstdlib>

namespace pmend {

Owner owner_of_kind(OwnerKind kind) {
  Owner owner;
  owner.kind = kind;
  owner.device_range = {4096, 512};
  if (kind != OwnerKind::kRaw && kind != OwnerKind::kUnknown) {
    owner.filesystem = FileSystemRef{"xfs", "0f4c0d2e-1111-2222-3333-444455556666", "data", "/srv"};
  }
  return owner;
}

Owner file_named(std::initializer_list<std::string> names) {
  Owner owner = owner_of_kind(OwnerKind::kFile);
  for (const std::string& name : names) {
    owner.paths.push_back({name});
  }
  owner.all_names = true;
  owner.file = FileId{131, 7};
  owner.attributes = FileAttributes{1000, 100, 0100644, 4096};
  owner.open_by.emplace();
  owner.xattrs.emplace();
  return owner;
}

PolicyFacts facts_about(std::vector<Owner> owners) {
  PolicyFacts facts;
  facts.device = "/dev/pmem0";
  facts.owners = std::move(owners);
  facts.sources = {"badblocks"};
  facts.bytes_bad = 512;
  facts.bytes_lost = 0;
  facts.phantom = false;
  facts.local_time = LocalTime{Weekday::kWednesday, 12 * 60};
  return facts;
}

Policy policy_with(const std::string& rules) {
  auto policy = parse_policy({{"f", R"({"rules": )" + rules + "}"}});
  if (!policy) {
    std::fputs(to_string(policy.error()).c_str(), stderr);
    std::abort();
  }
  return *policy;
}

Policy policy_when(const std::string& when, Action action) {
  return policy_with(R"([{"name": "r", "when": )" + when + R"(, "then": {"action": ")" +
                     std::string(to_string(action)) + "\"}}]");
}

std::string negated(const std::string& when) {
  return R"({"not": )" + when + "}";
}

bool matches(const std::string& when, Action action, const PolicyFacts& facts) {
  return policy_when(when, action).decide(facts).decision.rule == "r";
}

std::string problems_of(const std::string& text) {
  const auto policy = parse_policy({{"f", text}});
  return policy ? std::string() : to_string(policy.error());
}

}  // namespace pmend
