// SPDX-License-Identifier: Apache-2.0
#include "bus/complete.hpp"

#include "bus/dict.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>
#include <sdbus-c++/sdbus-c++.h>

namespace pmend::bus {
namespace {

nlohmann::json after_the_bus(const nlohmann::json& object) {
  return sdbus::Variant(Dict(object)).get<Dict>().json;
}

TEST(Complete, AnIncidentWithNothingYetHasItsNullsAgain) {
  const nlohmann::json incident = to_json(Incident{.id = {1}, .device_range = {0, 512}});
  EXPECT_EQ(complete_incident(after_the_bus(incident)), incident);
}

TEST(Complete, AFullIncidentStaysAsItIs) {
  const nlohmann::json incident = to_json(samples::incident());
  EXPECT_EQ(complete_incident(incident), incident);
}

TEST(Complete, AReportWithNothingYetHasItsNullsAgain) {
  Report report{.incident = {.id = {1}, .device_range = {0, 512}}};
  EXPECT_EQ(complete_report(after_the_bus(to_json(report))), to_json(report));
  report.proof = Proof{};
  EXPECT_EQ(complete_report(after_the_bus(to_json(report))), to_json(report));
}

TEST(Complete, AnswersOfAnotherShapeAreLeftAlone) {
  EXPECT_EQ(complete_incident("text"), "text");
  EXPECT_EQ(complete_report(7), 7);
  EXPECT_EQ(complete_report({{"incident", 1}, {"proof", "x"}}),
            (nlohmann::json{{"incident", 1}, {"proof", "x"}, {"approval", nullptr}}));
}

}  // namespace
}  // namespace pmend::bus
