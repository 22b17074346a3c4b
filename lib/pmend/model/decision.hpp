// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/model/enum_names.hpp"
#include "pmend/model/json.hpp"

#include <array>
#include <string>
#include <vector>

namespace pmend {

enum class Action { kRepair, kHold, kObserve };
inline constexpr std::array kActionNames = {EnumName{Action::kRepair, "repair"}, EnumName{Action::kHold, "hold"},
                                            EnumName{Action::kObserve, "observe"}};
constexpr std::span<const EnumName<Action>> enum_names(Action) {
  return kActionNames;
}

// What policy says of a planned incident.
struct Decision {
  Action action = Action::kHold;
  std::string rule;                  // name of the rule that matched, empty if none did
  std::vector<std::string> reasons;  // for people, in order of weight

  friend bool operator==(const Decision&, const Decision&) = default;
};

// A person's consent to one plan. It is void once the incident's plan has another hash.
struct Approval {
  std::string plan_hash;
  std::string who;  // "uid 1000 (anna)"
  WallTime when;    // whole seconds

  friend bool operator==(const Approval&, const Approval&) = default;
};

Json to_json(const Decision& decision);
void read_json(const JsonReader& in, Decision& decision);
Json to_json(const Approval& approval);
void read_json(const JsonReader& in, Approval& approval);

}  // namespace pmend
