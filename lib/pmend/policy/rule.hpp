// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/decision.hpp"
#include "pmend/model/json_text.hpp"
#include "pmend/model/plan.hpp"
#include "pmend/policy/conditions.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pmend {

// What a rule may use when it does not say so, and what an approved plan may use when no rule matched.
inline constexpr std::array kDefaultMethods = {Method::kRedirty, Method::kExchange, Method::kRecoveryWrite,
                                               Method::kRewrite};

inline constexpr std::int64_t kMostPriority = 100;  // and the least is its negative

struct Then {
  Action action = Action::kHold;
  std::vector<Method> methods{kDefaultMethods.begin(), kDefaultMethods.end()};  // allowed, in order of preference
  std::optional<std::string> restore;  // name of the hook that may supply lost bytes
  std::vector<std::string> notify;     // whom to tell, in the words of whoever does that
  std::int64_t priority = 0;           // of the job among others, higher is sooner
};

struct Rule {
  std::string name;
  std::string file;  // where it is written
  JsonPlace place;
  When when;
  Then then;

  std::string where() const;  // "file:line:column"
};

struct PolicyLimits {
  std::uint64_t repairs_per_hour = 64;  // without asking; 0: never
  std::uint64_t lost_bytes_per_day = 1U << 20U;
  std::uint64_t open_incidents_per_device = 256;
  std::uint64_t storm_incidents_per_hour = 32;  // new ones on one medium: with more it is spreading

  friend bool operator==(const PolicyLimits&, const PolicyLimits&) = default;
};

// True if the rule says something of this flag anywhere.
bool names_flag(const Rule& rule, FlagKey key);

// The form of the policy file, complete: defaults are written, comments and places are not.
Json to_json(const Rule& rule);
Json to_json(const PolicyLimits& limits);

}  // namespace pmend
