// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/record.hpp"

#include "ledger_dir.hpp"
#include "pmend/ledger/state.hpp"
#include "pmend/model/json_reader.hpp"
#include "pmend/model/json_text.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

namespace pmend {
namespace {

using ledger::to_json;

TEST(LedgerRecord, IsTheSameAfterATripThroughJson) {
  std::set<std::string> kinds;
  for (const LedgerRecord& record : a_story(8)) {
    const auto text = parse_json_text(to_json_text(pmend::to_json(record)));
    ASSERT_TRUE(text.has_value());
    const auto back = from_json<LedgerRecord>(text->value);
    ASSERT_TRUE(back.has_value()) << back.error().message();
    EXPECT_EQ(*back, record);
    for (const LedgerChange& change : record.changes) {
      kinds.insert(name_of(change));
    }
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<LedgerChange>) << "a kind is missing in the story";
}

TEST(LedgerState, IsTheSameAfterATripThroughJson) {
  for (const LedgerState& state : states_of(a_story(8))) {
    const auto back = from_json<LedgerState>(pmend::to_json(state));
    ASSERT_TRUE(back.has_value()) << back.error().message();
    EXPECT_EQ(*back, state);
  }
}

TEST(LedgerRecord, ReadsAsOneKeyPerChange) {
  EXPECT_EQ(to_json_text(pmend::to_json(LedgerRecord{.seq = 3, .changes = {ledger::SetPaused{true}}})),
            R"({"changes":[{"set-paused":{"paused":true}}],"seq":3})");
}

std::string error_of(const Json& json) {
  const auto read = from_json<LedgerChange>(json);
  return read ? "taken" : read.error().what;
}

TEST(LedgerChange, IsRefusedWhenItIsNotExactlyOneKnownThing) {
  const Json paused = to_json(LedgerChange(ledger::SetPaused{true}));
  Json two = paused;
  two["drop-approval"] = {{"incident", 1}};
  EXPECT_EQ(error_of(paused), "taken");
  EXPECT_NE(error_of(two).find("exactly one kind of change"), std::string::npos);
  EXPECT_NE(error_of(Json::object()).find("exactly one kind of change"), std::string::npos);
  EXPECT_NE(error_of(Json::array()).find("expected"), std::string::npos);
  EXPECT_NE(error_of({{"set-pause", {{"paused", true}}}}).find("set-paused"), std::string::npos);
  EXPECT_NE(error_of({{"set-paused", {{"paused", 1}}}}).find("/set-paused/paused"), std::string::npos);
}

TEST(LedgerChange, IsRefusedWhenItContradictsItself) {
  const auto plan = a_plan(1);
  const struct {
    const char* what;
    LedgerChange change;
    std::function<void(Json&)> spoil;
    const char* error;
  } rows[] = {
      {"plan with another hash", plan, [](Json& json) { json["put-plan"]["basis"]["rule"] = "other"; },
       "hash is not that of the plan"},
      {"intent with outcome", ledger::StepIntent{an_intent(1)},
       [](Json& json) { json["step-intent"]["outcome"] = "succeeded"; }, "an intent has no outcome"},
      {"outcome without one", ledger::StepOutcome{ended(an_intent(1))},
       [](Json& json) { json["step-outcome"]["outcome"] = nullptr; }, "outcome is missing"},
      {"no incident", ledger::DropApproval{{1}}, [](Json& json) { json["drop-approval"]["incident"] = 0; },
       "/drop-approval/incident"},
      {"bad ranges twice", an_incident(1),
       [](Json& json) {
         Json& bad = json["put-incident"]["memory"]["bad"];
         bad.push_back(bad[0]);
       },
       "overlap or are out of order"},
      {"no hash", a_job(1, plan), [](Json& json) { json["begin-job"]["plan_hash"] = "7"; }, "hex digits"},
  };
  for (const auto& row : rows) {
    Json json = to_json(row.change);
    EXPECT_EQ(error_of(json), "taken") << row.what;
    row.spoil(json);
    EXPECT_NE(error_of(json).find(row.error), std::string::npos) << row.what << ": " << error_of(json);
  }
}

TEST(IncidentState, IsFinishedOnlyWhereNothingMoreHappens) {
  int finished = 0;
  for (const auto& entry : kIncidentStateNames) {
    finished += is_finished(entry.value) ? 1 : 0;
  }
  EXPECT_EQ(finished, 2);
  EXPECT_TRUE(is_finished(IncidentState::kRepaired));
  EXPECT_TRUE(is_finished(IncidentState::kCleared));
}

}  // namespace
}  // namespace pmend
