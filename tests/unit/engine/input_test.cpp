// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/input.hpp"

#include "../model/samples.hpp"
#include "pmend/engine/engine.hpp"
#include "pmend/model/json_reader.hpp"
#include "pmend/model/json_text.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace pmend::engine {
namespace {

std::vector<Input> one_of_each() {
  LedgerState state;
  state.incidents.push_back({samples::incident(), {}});
  return {Loaded{state},
          PolicyLoaded{{{"10-a.json", "{}"}}},
          Tick{SteadyTime(std::chrono::microseconds(12)), WallTime(std::chrono::seconds(5)),
               LocalTime{Weekday::kFriday, 61}},
          DeviceFound{samples::device_info()},
          DeviceGone{{"/dev/pmem0", "ns:1"}},
          MediaErrors{QueryId{3}, samples::media_errors()},
          MountsChanged{},
          Gap{{"udev", "overflow", "/dev/pmem0"}},
          Observed{QueryId{4}, samples::observation()},
          ObserveFailed{QueryId{5}, {protocol::ErrorCode::kGone, "no device"}},
          Planned{QueryId{6}, samples::plan()},
          PlanRefused{QueryId{7}, {RefusalState::kUnresolved, "why"}},
          StepIntent{samples::step()},
          StepFinished{samples::step()},
          JobFinished{samples::repair_reply()},
          JobRefused{JobId{8}, {protocol::ErrorCode::kBusy, "why"}},
          WorkerGone{JobId{9}, "killed"},
          WorkerStuck{JobId{10}},
          Inspected{samples::inspect_reply()},
          Recorded{11},
          RecordFailed{12, "disk full"},
          OperatorRequest{OperatorId{13}, OperatorVerb::kApprove, IncidentId{14}, samples::digest('a'), "uid 0",
                          "/dev/pmem0"},
          Shutdown{}};
}

TEST(Input, EveryKindComesBackFromItsJson) {
  std::set<std::size_t> kinds;
  for (const Input& input : one_of_each()) {
    kinds.insert(input.index());
    const Json json = to_json(input);
    const auto back = from_json<Input>(json);
    ASSERT_TRUE(back.has_value()) << to_json_text(json) << back.error().what;
    EXPECT_EQ(back->index(), input.index());
    EXPECT_EQ(to_json_text(to_json(*back)), to_json_text(json));
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Input>);
}

TEST(Input, WhatIsNoInputIsRefusedWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"input": "no-such", "body": {}})", "a kind of input"},
      {R"({"input": "recorded", "body": {}})", "seq"},
      {R"({"input": "recorded", "body": {"seq": -1}})", "/body/seq"},
      {R"({"input": "recorded", "body": {"seq": 1, "sequel": 2}})", "sequel"},
      {R"({"input": "recorded"})", "body"},
      {R"({"input": "tick", "body": {"steady_us": 18446744073709551615, "wall": "2026-11-22T09:00:00Z"}})",
       "steady_us"},
      {R"([])", "object"},
  };
  for (const auto& [text, expected] : cases) {
    const auto json = parse_json_text(text);
    ASSERT_TRUE(json.has_value()) << text;
    const auto input = from_json<Input>(json->value);
    ASSERT_FALSE(input.has_value()) << text;
    EXPECT_NE(input.error().what.find(expected), std::string::npos) << input.error().what;
  }
}

TEST(Input, AnyOfThemFirstOrTwiceIsHarmless) {
  for (const Input& first : one_of_each()) {
    Engine engine;
    engine.handle(first);
    for (const Input& input : one_of_each()) {
      engine.handle(input);
      engine.handle(input);
    }
  }
}

}  // namespace
}  // namespace pmend::engine
