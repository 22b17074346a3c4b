// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"
#include "pmend/base/ids.hpp"
#include "pmend/base/range.hpp"
#include "pmend/model/decision.hpp"
#include "pmend/model/enum_names.hpp"
#include "pmend/model/outcome.hpp"
#include "pmend/model/owner.hpp"
#include "pmend/model/plan.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pmend {

// DESIGN.md section 4 has the transitions.
enum class IncidentState {
  kDetected,       // reported, nothing known yet
  kObserved,       // owners known
  kPlanned,        // plan or refusal known
  kDecided,        // policy has spoken
  kObserving,      // policy: only watch
  kHeld,           // policy: waits for an approval
  kBlocked,        // a guard refuses now
  kQueued,         // waits for its turn
  kRepairing,      // a job is running
  kRepaired,       // done and proven
  kFailed,         // attempts used up, or it would fail again
  kStuck,          // the worker cannot be stopped; its write may still land
  kIndeterminate,  // nobody knows what a step did; observed again
  kUnresolved,     // owner not known
  kCleared,        // gone without us
  kUnobservable,   // device or file system gone, or list incomplete
  kDismissed,      // a person does not want to hear of it
};
inline constexpr std::array kIncidentStateNames = {EnumName{IncidentState::kDetected, "detected"},
                                                   EnumName{IncidentState::kObserved, "observed"},
                                                   EnumName{IncidentState::kPlanned, "planned"},
                                                   EnumName{IncidentState::kDecided, "decided"},
                                                   EnumName{IncidentState::kObserving, "observing"},
                                                   EnumName{IncidentState::kHeld, "held"},
                                                   EnumName{IncidentState::kBlocked, "blocked"},
                                                   EnumName{IncidentState::kQueued, "queued"},
                                                   EnumName{IncidentState::kRepairing, "repairing"},
                                                   EnumName{IncidentState::kRepaired, "repaired"},
                                                   EnumName{IncidentState::kFailed, "failed"},
                                                   EnumName{IncidentState::kStuck, "stuck"},
                                                   EnumName{IncidentState::kIndeterminate, "indeterminate"},
                                                   EnumName{IncidentState::kUnresolved, "unresolved"},
                                                   EnumName{IncidentState::kCleared, "cleared"},
                                                   EnumName{IncidentState::kUnobservable, "unobservable"},
                                                   EnumName{IncidentState::kDismissed, "dismissed"}};
constexpr std::span<const EnumName<IncidentState>> enum_names(IncidentState) {
  return kIncidentStateNames;
}

// The same place was repaired before, and the repair was proven.
struct Recurrence {
  std::uint64_t repairs = 0;  // so many times
  WallTime last;              // when the latest of them was proven; whole seconds

  friend bool operator==(const Recurrence&, const Recurrence&) = default;
};

// One of these repairs.
struct EarlierRepair {
  IncidentId incident;
  ByteRange device_range;  // of that incident; JSON: members offset and length
  WallTime first_seen;     // whole seconds
  WallTime repaired;       // whole seconds
  std::optional<Outcome> outcome;
  std::optional<Method> method;
  std::uint64_t bytes_lost = 0;  // by its plan

  friend bool operator==(const EarlierRepair&, const EarlierRepair&) = default;
};

// Where bytes of persistent memory lie in the machine.
struct MediumPlace {
  std::string region;                     // of the kernel
  std::optional<std::uint64_t> physical;  // address of the first byte; absent where the bytes do not lie in a row
  std::vector<std::string> dimms;         // "nmem0 (8089-a2-1731-00001a2b)"; several are interleaved

  friend bool operator==(const MediumPlace&, const MediumPlace&) = default;
};

// All media errors in adjoining repair units of one device with the same owners: what is decided on, approved and
// reported as one. Its JSON form is the contract of DESIGN.md section 7.
struct Incident {
  IncidentId id;
  IncidentState state = IncidentState::kDetected;
  std::string device;                // node, changes between boots
  std::string device_id;             // stays
  ByteRange device_range;            // from the first to the last bad byte; JSON: members offset and length
  std::vector<std::string> sources;  // who reported it, see MediaError::source
  WallTime first_seen;               // whole seconds
  std::uint64_t seen = 1;            // how many times it was reported anew; more than 1 after a repair: a recurrence
  std::vector<Owner> owners;
  std::optional<PlanSummary> plan;
  std::optional<Decision> decision;
  std::optional<JobId> job;  // the latest
  std::optional<Outcome> outcome;
  std::string reason;                    // for people: why it is in this state and what would change that
  std::optional<MediumPlace> medium;     // absent: no persistent memory, or not known
  std::optional<Recurrence> recurrence;  // absent: it is none
  std::vector<EarlierRepair> earlier;    // the latest first; only where one incident is shown, not in lists

  friend bool operator==(const Incident&, const Incident&) = default;
};

Json to_json(const MediumPlace& place);
void read_json(const JsonReader& in, MediumPlace& place);
Json to_json(const Recurrence& recurrence);
void read_json(const JsonReader& in, Recurrence& recurrence);
Json to_json(const EarlierRepair& repair);
void read_json(const JsonReader& in, EarlierRepair& repair);
Json to_json(const Incident& incident);
void read_json(const JsonReader& in, Incident& incident);

}  // namespace pmend
