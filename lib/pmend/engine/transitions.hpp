// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/incident.hpp"

#include <array>
#include <string>
#include <string_view>

// The states of an incident and the ways between them, as data. docs/states.md is rendered from these tables and a test
// compares it; the engine moves an incident only along them.
namespace pmend::engine {

enum class Standing {
  kWaiting,  // open, and nothing of ours is writing: it may be cleared, become unobservable or be dismissed
  kBusy,     // open, and a write of ours is under way, may still land, or has to be finished first
  kShelved,  // a person put it away; it is looked at again when its list entry disappears
  kClosed,   // the end: an error that comes back is another incident
};

struct StateNote {
  IncidentState state;
  Standing standing;
  std::string_view meaning;
  std::string_view person;  // what a person can do
};

struct Transition {
  IncidentState from;
  IncidentState to;
  std::string_view when;
};

// One row per state, in the order of the enumeration.
inline constexpr std::array kStateNotes = {
    StateNote{IncidentState::kDetected, Standing::kWaiting, "reported, owners not known yet",
              "Nothing is needed; it is being looked at."},
    StateNote{IncidentState::kObserved, Standing::kWaiting,
              "owners known, with the names of files that were found in time",
              "Nothing is needed; it is being planned."},
    StateNote{IncidentState::kPlanned, Standing::kWaiting, "plan or refusal known",
              "Nothing is needed; policy is about to speak."},
    StateNote{IncidentState::kDecided, Standing::kWaiting, "policy has spoken", "Nothing is needed."},
    StateNote{IncidentState::kObserving, Standing::kWaiting, "policy says to watch only",
              "Change the policy, or dismiss it."},
    StateNote{IncidentState::kHeld, Standing::kWaiting, "waits for a person",
              "Look at the plan and approve it by its hash, change the policy, or dismiss it."},
    StateNote{IncidentState::kBlocked, Standing::kWaiting, "a guard or a limit refuses now",
              "Remove what the reason names, then retry; or dismiss it."},
    StateNote{IncidentState::kQueued, Standing::kWaiting, "waits for its turn",
              "Pause pmend to keep it from starting; nothing else is needed."},
    StateNote{IncidentState::kRepairing, Standing::kBusy, "a job is running", "Wait for its end."},
    StateNote{IncidentState::kRepaired, Standing::kClosed, "done and proven",
              "Read the report; it names every byte that was lost."},
    StateNote{IncidentState::kFailed, Standing::kWaiting, "attempts used up, or it would fail again",
              "Read the reason, mend what it names, then retry; or restore the file from a backup."},
    StateNote{IncidentState::kStuck, Standing::kBusy, "the worker cannot be stopped and its write may still land",
              "Free the device that holds the worker in the kernel, or restart the machine."},
    StateNote{IncidentState::kIndeterminate, Standing::kBusy, "nobody knows what a step did",
              "Nothing is needed; the job is compared with its spool and finished."},
    StateNote{IncidentState::kUnresolved, Standing::kWaiting, "owner not known",
              "Read the reason; mount the file system or retry, or dismiss it."},
    StateNote{IncidentState::kCleared, Standing::kClosed, "gone without pmend",
              "Check the named file against a backup: nobody has proven its content."},
    StateNote{IncidentState::kUnobservable, Standing::kWaiting, "device or file system gone, or it gives no answer",
              "Bring the device back, or dismiss it."},
    StateNote{IncidentState::kDismissed, Standing::kShelved, "a person does not want to hear of it",
              "Retry to take it up again; it ends by itself when its list entry disappears."},
};

inline constexpr std::array kTransitions = {
    Transition{IncidentState::kDetected, IncidentState::kObserved, "the observer named its owners"},
    Transition{IncidentState::kDetected, IncidentState::kUnresolved, "the observer could not name them"},
    Transition{IncidentState::kObserved, IncidentState::kPlanned, "the observer planned it, or a guard refused"},
    Transition{IncidentState::kObserved, IncidentState::kUnresolved, "planning found the owner not known well enough"},
    Transition{IncidentState::kObserved, IncidentState::kDetected, "its list, device or plan changed meanwhile"},
    Transition{IncidentState::kPlanned, IncidentState::kDecided, "policy was asked"},
    Transition{IncidentState::kPlanned, IncidentState::kObserved, "the rule allows other methods than were planned"},
    Transition{IncidentState::kDecided, IncidentState::kObserving, "policy: observe"},
    Transition{IncidentState::kDecided, IncidentState::kHeld, "policy: hold, or a limit that only a person may pass"},
    Transition{IncidentState::kDecided, IncidentState::kBlocked, "a guard refused the plan, or a limit is used up"},
    Transition{IncidentState::kDecided, IncidentState::kQueued, "policy: repair, or an approval of this very plan"},
    Transition{IncidentState::kObserving, IncidentState::kDecided, "another policy was loaded"},
    Transition{IncidentState::kObserving, IncidentState::kDetected, "its list changed, or a person said retry"},
    Transition{IncidentState::kHeld, IncidentState::kQueued, "a person approved the current plan"},
    Transition{IncidentState::kHeld, IncidentState::kDecided, "another policy was loaded"},
    Transition{IncidentState::kHeld, IncidentState::kDetected, "its list changed, or a person said retry"},
    Transition{IncidentState::kHeld, IncidentState::kIndeterminate, "a person said retry or approve to an open job"},
    Transition{IncidentState::kBlocked, IncidentState::kDecided, "another policy was loaded, or a limit has room"},
    Transition{IncidentState::kBlocked, IncidentState::kDetected, "the back-off is over, or something changed"},
    Transition{IncidentState::kQueued, IncidentState::kRepairing, "its turn: device and file system are free"},
    Transition{IncidentState::kQueued, IncidentState::kDecided, "another policy was loaded, or a limit was reached"},
    Transition{IncidentState::kQueued, IncidentState::kDetected, "its list changed"},
    Transition{IncidentState::kRepairing, IncidentState::kRepaired, "the job ended with a whole proof"},
    Transition{IncidentState::kRepairing, IncidentState::kFailed, "it would fail again, or attempts are used up"},
    Transition{IncidentState::kRepairing, IncidentState::kBlocked, "nothing was changed: in use, or a guard refused"},
    Transition{IncidentState::kRepairing, IncidentState::kDetected, "nothing or only a part was changed; look again"},
    Transition{IncidentState::kRepairing, IncidentState::kIndeterminate, "the worker is gone and left an open step"},
    Transition{IncidentState::kRepairing, IncidentState::kStuck, "the worker is past its deadline and not gone"},
    Transition{IncidentState::kStuck, IncidentState::kRepaired, "it answered after all, with a whole proof"},
    Transition{IncidentState::kStuck, IncidentState::kFailed, "it answered after all"},
    Transition{IncidentState::kStuck, IncidentState::kBlocked, "it answered after all"},
    Transition{IncidentState::kStuck, IncidentState::kDetected, "it answered or is gone, and nothing was begun"},
    Transition{IncidentState::kStuck, IncidentState::kIndeterminate, "the worker is gone and left an open step"},
    Transition{IncidentState::kIndeterminate, IncidentState::kRepairing, "observed again; what was begun is finished"},
    Transition{IncidentState::kIndeterminate, IncidentState::kDetected, "nothing had been begun; look again"},
    Transition{IncidentState::kIndeterminate, IncidentState::kHeld, "two indeterminate outcomes"},
    Transition{IncidentState::kIndeterminate, IncidentState::kStuck, "a worker of a former pmend hangs in the kernel"},
    Transition{IncidentState::kIndeterminate, IncidentState::kUnobservable, "device gone"},
    Transition{IncidentState::kUnobservable, IncidentState::kIndeterminate, "device back, with an open job"},
    Transition{IncidentState::kUnobservable, IncidentState::kDetected, "device back"},
    Transition{IncidentState::kUnresolved, IncidentState::kDetected,
               "a back-off is over, mounts changed, a rescan, or a person said retry"},
    Transition{IncidentState::kFailed, IncidentState::kDetected, "its list changed, or a person said retry"},
    Transition{IncidentState::kDismissed, IncidentState::kDetected, "a person said retry, or its list entry changed"},
};

// Ways that lead out of every waiting state.
struct StandingTransition {
  IncidentState to;
  std::string_view when;
};
inline constexpr std::array kFromEveryWaiting = {
    StandingTransition{IncidentState::kCleared, "a complete list no longer has it and a direct read succeeds"},
    StandingTransition{IncidentState::kUnobservable, "device gone, or no answer"},
    StandingTransition{IncidentState::kDismissed, "a person dismissed it"},
};

constexpr Standing standing_of(IncidentState state) {
  return kStateNotes[static_cast<std::size_t>(state)].standing;
}

// Staying in a state is no transition.
constexpr bool is_allowed(IncidentState from, IncidentState to) {
  if (from == to) {
    return false;
  }
  for (const Transition& row : kTransitions) {
    if (row.from == from && row.to == to) {
      return true;
    }
  }
  if (standing_of(from) != Standing::kWaiting) {
    return false;
  }
  for (const StandingTransition& row : kFromEveryWaiting) {
    if (row.to == to) {
      return true;
    }
  }
  return false;
}

// The whole text of docs/states.md.
std::string render_states();

}  // namespace pmend::engine
