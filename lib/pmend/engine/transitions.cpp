// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/transitions.hpp"

namespace pmend::engine {
namespace {

constexpr std::string_view kHead = R"(# States of an incident

What this page is for: what each state means, what a person can do in it, and what leads from one to the next. It is
rendered from `lib/pmend/engine/transitions.hpp`; a unit test compares the two (`PMEND_UPDATE_DOCS=1` rewrites it).

```
 detected ─► observed ─► planned ─► decided ─┬─► observing
     ▲  └► unresolved                        ├─► held ────approve───┐
     │                                       ├─► blocked            │
     │   look again                          └─► queued ◄───────────┘
     │                                             │
     └──────────────── indeterminate ◄──────── repairing ─► repaired | failed | stuck
 any waiting state ─► cleared | unobservable | dismissed
```
)";

constexpr std::string_view standing_text(Standing standing) {
  switch (standing) {
    case Standing::kWaiting:
      return "waiting";
    case Standing::kBusy:
      return "busy";
    case Standing::kShelved:
      return "shelved";
    case Standing::kClosed:
      return "closed";
  }
  return "?";
}

void add_row(std::string& text, std::string_view a, std::string_view b, std::string_view c) {
  text.append("| ").append(a).append(" | ").append(b).append(" | ").append(c).append(" |\n");
}

std::string render_notes() {
  std::string text =
      "\n## What they mean\n\n| state | standing | meaning | what a person can do |\n|---|---|---|---|\n";
  for (const StateNote& note : kStateNotes) {
    text.append("| ").append(to_string(note.state)).append(" ");
    add_row(text, standing_text(note.standing), note.meaning, note.person);
  }
  return text +
         "\nWaiting: open, and nothing of pmend's is writing. Busy: open, and a write is under way, may still land, or "
         "must be\nfinished first. Shelved: put away by a person. Closed: the end; an error that comes back is another "
         "incident.\n"
         "\nAn error where a repair was proven before, however long ago, is a *recurrence*; one that is listed but "
         "absent "
         "from\nfresh scrub records is a *phantom*. Neither is repaired unless a rule of the policy says so. Where "
         "more "
         "new incidents\ncome up on one medium within an hour than the policy's `storm_incidents_per_hour`, everything "
         "that waits for its turn\nthere is held, until a person resumes the device or the limit is raised; what a "
         "person "
         "approves since is repaired\n(pmend-policy(5)).\n";
}

std::string render_ways() {
  std::string text = "\n## What leads where\n\n| from | to | when |\n|---|---|---|\n";
  for (const Transition& row : kTransitions) {
    add_row(text, to_string(row.from), to_string(row.to), row.when);
  }
  for (const StandingTransition& row : kFromEveryWaiting) {
    add_row(text, "every waiting state", to_string(row.to), row.when);
  }
  return text;
}

}  // namespace

std::string render_states() {
  return std::string(kHead) + render_notes() + render_ways();
}

}  // namespace pmend::engine
