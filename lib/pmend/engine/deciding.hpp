// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/engine/core.hpp"

#include <optional>
#include <string>

// May it be done? The policy speaks, then the limits, then what a person has approved.
namespace pmend::engine {

void on(Core& core, const PolicyLoaded& input);

// What the policy may know of this incident now.
PolicyFacts facts_for(const Core& core, const Case& what);

// From planned or decided to where the policy, the limits and an approval send it.
void decide(Core& core, Case& what);

// The same again for what may be decided otherwise now: the policy, the time of day or the ledger changed.
void decide_again(Core& core);

// A limit that stands against beginning this repair now. Approved repairs count against the limits but are not held up
// by them, for a person has looked; unless it was before a storm.
struct LimitHit {
  std::string reason;
  std::optional<WallTime> until;  // absent: only a person can let it pass
};
std::optional<LimitHit> limit_against(const Core& core, const Case& what);
void forget_old_repairs(Core& core);

// True if the current plan was approved.
bool is_approved(const Case& what);

}  // namespace pmend::engine
