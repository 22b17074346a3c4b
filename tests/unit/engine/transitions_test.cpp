// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/transitions.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace pmend::engine {
namespace {

using S = IncidentState;

// The same table a second time, written from DESIGN.md section 4 and not from the code: what leads out of each state
// besides cleared, unobservable and dismissed.
const std::map<S, std::set<S>> kWays = {
    {S::kDetected, {S::kObserved, S::kUnresolved}},
    {S::kObserved, {S::kPlanned, S::kUnresolved, S::kDetected}},
    {S::kPlanned, {S::kDecided, S::kObserved}},
    {S::kDecided, {S::kObserving, S::kHeld, S::kBlocked, S::kQueued}},
    {S::kObserving, {S::kDecided, S::kDetected}},
    {S::kHeld, {S::kQueued, S::kDecided, S::kDetected, S::kIndeterminate}},
    {S::kBlocked, {S::kDecided, S::kDetected}},
    {S::kQueued, {S::kRepairing, S::kDecided, S::kDetected}},
    {S::kRepairing, {S::kRepaired, S::kFailed, S::kBlocked, S::kDetected, S::kIndeterminate, S::kStuck}},
    {S::kRepaired, {}},
    {S::kFailed, {S::kDetected}},
    {S::kStuck, {S::kRepaired, S::kFailed, S::kBlocked, S::kDetected, S::kIndeterminate}},
    {S::kIndeterminate, {S::kRepairing, S::kDetected, S::kHeld, S::kStuck, S::kUnobservable}},
    {S::kUnresolved, {S::kDetected}},
    {S::kCleared, {}},
    {S::kUnobservable, {S::kDetected, S::kIndeterminate}},
    {S::kDismissed, {S::kDetected}},
};
const std::set<S> kNotWaiting = {S::kRepairing, S::kRepaired, S::kStuck, S::kIndeterminate, S::kCleared, S::kDismissed};

bool expected(S from, S to) {
  if (from == to) {
    return false;
  }
  const bool leaves = to == S::kCleared || to == S::kUnobservable || to == S::kDismissed;
  return kWays.at(from).contains(to) || (leaves && !kNotWaiting.contains(from));
}

TEST(Transitions, EveryPairOfStatesIsAsTheDesignSays) {
  for (const auto& from : kIncidentStateNames) {
    for (const auto& to : kIncidentStateNames) {
      EXPECT_EQ(is_allowed(from.value, to.value), expected(from.value, to.value)) << from.name << " to " << to.name;
    }
  }
}

TEST(Transitions, EveryStateHasItsNoteInOrder) {
  ASSERT_EQ(kStateNotes.size(), kIncidentStateNames.size());
  for (std::size_t i = 0; i < kStateNotes.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(kStateNotes[i].state), i);
    EXPECT_FALSE(kStateNotes[i].person.empty());
  }
}

TEST(Transitions, NothingLeadsOutOfTheEnd) {
  for (const Transition& row : kTransitions) {
    EXPECT_NE(standing_of(row.from), Standing::kClosed) << to_string(row.from);
  }
}

TEST(Transitions, AWriteUnderWayIsNeverCalledClearedOrPutAway) {
  for (const S busy : {S::kRepairing, S::kStuck, S::kIndeterminate}) {
    EXPECT_FALSE(is_allowed(busy, S::kCleared));
    EXPECT_FALSE(is_allowed(busy, S::kDismissed));
  }
}

TEST(Transitions, NoRowIsThereTwice) {
  std::set<std::pair<S, S>> seen;
  for (const Transition& row : kTransitions) {
    EXPECT_TRUE(seen.emplace(row.from, row.to).second) << to_string(row.from) << " to " << to_string(row.to);
  }
}

TEST(Transitions, TheDocumentIsWhatTheTableSays) {
  const std::string path = std::string(PMEND_DOCS_DIR) + "/states.md";
  if (std::getenv("PMEND_UPDATE_DOCS") != nullptr) {
    std::ofstream(path) << render_states();
  }
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), render_states()) << "run again with PMEND_UPDATE_DOCS=1";
}

}  // namespace
}  // namespace pmend::engine
