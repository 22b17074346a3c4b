// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/policy/facts.hpp"
#include "pmend/policy/load.hpp"
#include "pmend/policy/policy.hpp"

#include <initializer_list>
#include <string>
#include <vector>

// Short ways to say what a test is about.
namespace pmend {

// A file of which everything is known: those names and no other, uid 1000, gid 100, 4096 bytes, nobody has it open, no
// attributes, XFS on /srv.
Owner file_named(std::initializer_list<std::string> names);
Owner owner_of_kind(OwnerKind kind);

// An incident with that owner, of which everything is known: 512 bytes bad, nothing lost, Wednesday 12:00.
PolicyFacts facts_about(std::vector<Owner> owners);

// The policy of one file with these rules, as an array in JSON. Ends the test program if it is not one.
Policy policy_with(const std::string& rules);

// One rule "r" with this `when` and action.
Policy policy_when(const std::string& when, Action action);

// {"not": `when`}
std::string negated(const std::string& when);

// True if the rule of policy_when() decides.
bool matches(const std::string& when, Action action, const PolicyFacts& facts);

// The problems of one file "f" as lines, empty if there are none.
std::string problems_of(const std::string& text);

}  // namespace pmend
