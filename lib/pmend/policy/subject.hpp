// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/policy/conditions.hpp"
#include "pmend/policy/facts.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

// What a rule's keys are compared with. An incident has one subject for each name of each owner; evaluate.hpp says how
// their answers become one.
namespace pmend {

struct Subject {
  const Owner* owner = nullptr;
  const FilePath* name = nullptr;  // none: the owner has no name, or it is not known
  bool name_unknown = false;       // stands for the names that nobody could find
};

// Never empty. An owner whose names are not all known, or a file with none left, also gives a subject of unknown name.
// Borrows `owners`.
std::vector<Subject> subjects_of(const std::vector<Owner>& owners);

// Nothing: unknown. Empty: known that there is none, such as the uid of free space. Borrows the facts.
std::optional<std::vector<std::string_view>> texts_of(TextKey key, const PolicyFacts& facts, const Subject& subject);
std::optional<std::vector<std::uint64_t>> numbers_of(NumberKey key, const PolicyFacts& facts, const Subject& subject);
// Nothing: unknown.
std::optional<bool> flag_of(FlagKey key, const PolicyFacts& facts, const Subject& subject);
std::optional<OwnerKind> owner_of(const Subject& subject);

}  // namespace pmend
