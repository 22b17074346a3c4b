// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/incident.hpp"
#include "pmend/model/owner.hpp"
#include "pmend/model/plan.hpp"
#include "pmend/policy/conditions.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pmend {

// A moment of the local clock, as rules about time see it.
struct LocalTime {
  Weekday day = Weekday::kSunday;
  std::uint16_t minute = 0;  // after midnight

  friend bool operator==(const LocalTime&, const LocalTime&) = default;
};

// All that rules can ask of an incident. What is absent is unknown, which is not the same as no: see evaluate.hpp. The
// engine fills it; Policy::facts_needed() says which costly facts it has to fetch before.
struct PolicyFacts {
  std::string device;                       // node; empty: unknown
  std::vector<Owner> owners;                // empty: unknown
  std::vector<std::string> sources;         // MediaError::source; empty: unknown
  std::optional<std::uint64_t> bytes_bad;   // of the plan
  std::optional<std::uint64_t> bytes_lost;  // of the plan
  std::vector<Method> plan_methods;         // of the plan's units; empty: there is no plan
  bool recurrence = false;                  // came back after a proven repair
  bool has_ars = false;                     // the device keeps ARS records, so that it can be known what is a phantom
  std::optional<bool> phantom;              // listed, but absent from fresh ARS records
  std::optional<LocalTime> local_time;

  friend bool operator==(const PolicyFacts&, const PolicyFacts&) = default;
};

// What the incident itself says; recurrence, phantom, local time and the methods of units are for the caller to add.
// The plan's summary knows only its most intrusive method, which is what rules care for.
PolicyFacts facts_of(const Incident& incident);

}  // namespace pmend
