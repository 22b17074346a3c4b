// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/protocol.hpp"

#include "pmend/model/json_reader.hpp"
#include "pmend/model/json_text.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pmend::protocol {
namespace {

std::string error_of(std::string_view datagram) {
  const auto message = parse_message(datagram);
  return message ? "taken" : message.error().what;
}

TEST(Protocol, EveryMessageRoundTrips) {
  const Message messages[] = {
      Hello{.version = 1, .role = Role::kRepair, .pid = 4711},
      Request{.id = {1}, .verb = Verb::kList, .deadline_ms = 500, .cursor = "12", .body = {{"device", "/dev/pmem0"}}},
      Request{.id = {2}, .verb = Verb::kInspect, .deadline_ms = kMaxDeadlineMs, .cursor = {}, .body = Json::object()},
      Progress{.id = {1}, .done = 3, .total = 0},
      Reply{.id = {1}, .body = Json::object(), .error = {}, .cursor = "24"},
      Reply{.id = {1}, .body = {}, .error = ReplyError{ErrorCode::kWouldLoseMore, "1024 bytes"}, .cursor = {}},
      Event{.kind = EventKind::kMediaErrors, .body = to_json(samples::media_errors())},
      Cancel{.id = {1}},
  };
  for (const Message& message : messages) {
    const auto text = encode(message);
    ASSERT_TRUE(text.has_value()) << text.error().message();
    const auto back = parse_message(*text);
    ASSERT_TRUE(back.has_value()) << *text << ": " << back.error().message();
    EXPECT_TRUE(*back == message) << *text;
  }
}

TEST(Protocol, LooksLikeTheDocument) {
  EXPECT_EQ(encode(Hello{.version = 1, .role = Role::kObserve, .pid = 7}).value(),
            R"({"pid":7,"role":"observe","type":"hello","version":1})");
  EXPECT_EQ(encode(Cancel{.id = {9}}).value(), R"({"id":9,"type":"cancel"})");
}

TEST(Protocol, RefusesAnythingElse) {
  const char* hostile[] = {
      "",
      "hello",
      "[]",
      "null",
      "{}",
      R"({"type":"hello"})",
      R"({"type":"HELLO","version":1,"role":"pmend","pid":1})",
      R"({"type":7,"version":1,"role":"pmend","pid":1})",
      R"({"type":"hello","version":1,"role":"root","pid":1})",
      R"({"type":"hello","version":-1,"role":"pmend","pid":1})",
      R"({"type":"hello","version":1,"role":"pmend","pid":4294967296})",
      R"({"type":"hello","version":1,"role":"pmend","pid":1,"extra":0})",
      R"({"type":"hello","version":1,"role":"pmend","pid":1}{})",
      R"({"type":"hello","version":1,"version":1,"role":"pmend","pid":1})",
      R"({"type":"cancel","id":0})",
      R"({"type":"cancel","id":1.0})",
      R"({"type":"cancel","id":"1"})",
      R"({"type":"request","id":1,"verb":"rm","deadline_ms":1,"body":{}})",
      R"({"type":"request","id":1,"verb":"list","deadline_ms":0,"body":{}})",
      R"({"type":"request","id":1,"verb":"list","deadline_ms":604800001,"body":{}})",
      R"({"type":"request","id":1,"verb":"list","deadline_ms":1,"body":[]})",
      R"({"type":"request","id":1,"verb":"list","deadline_ms":1})",
      R"({"type":"request","id":1,"verb":"list","deadline_ms":1,"body":{},"cursor":null})",
      R"({"type":"reply","id":1})",
      R"({"type":"reply","id":1,"body":{},"error":{"code":"busy","what":""}})",
      R"({"type":"reply","id":1,"body":null})",
      R"({"type":"reply","id":1,"error":{"code":"no-idea","what":""}})",
      R"({"type":"event","kind":"fire","body":{}})",
      R"({"type":"event","kind":"gap","body":"x"})",
  };
  for (const char* text : hostile) {
    EXPECT_NE(error_of(text), "taken") << text;
  }
}

TEST(Protocol, RefusesADatagramCutAnywhere) {
  const std::string text = encode(Event{.kind = EventKind::kStep, .body = to_json(samples::step())}).value();
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_NE(error_of(text.substr(0, length)), "taken") << length;
  }
}

TEST(Protocol, BoundsAMessageTo64KiB) {
  const auto event = [](std::size_t padding) {
    return Event{.kind = EventKind::kGap, .body = {{"why", std::string(padding, 'x')}}};
  };
  const std::size_t empty = encode(event(0)).value().size();
  const auto largest = encode(event(kMaxMessageBytes - empty));
  ASSERT_TRUE(largest.has_value());
  EXPECT_EQ(largest->size(), kMaxMessageBytes);
  EXPECT_EQ(error_of(*largest), "taken");
  EXPECT_FALSE(encode(event(kMaxMessageBytes - empty + 1)).has_value());
  EXPECT_EQ(error_of(*largest + " "), "message: 1:1: too long, expected at most 65536 bytes");
}

TEST(Protocol, BoundsDepth) {
  const std::string deep =
      R"({"type":"event","kind":"gap","body":)" + std::string(30000, '[') + std::string(30000, ']') + "}";
  EXPECT_NE(error_of(deep).find("nested too deep"), std::string::npos);
}

TEST(Protocol, AReplySaysExactlyOneThing) {
  EXPECT_FALSE(encode(Reply{.id = {1}}).has_value());
  EXPECT_FALSE(encode(Reply{.id = {1}, .body = Json::object(), .error = ReplyError{}}).has_value());
}

TEST(Protocol, EachVerbHasOneRole) {
  EXPECT_EQ(role_of(Verb::kObserve), Role::kObserve);
  EXPECT_EQ(role_of(Verb::kProceed), Role::kRepair);
  for (const auto& entry : enum_names(Verb{})) {
    EXPECT_NE(role_of(entry.value), Role::kPmend) << entry.name;
  }
}

// Two owners per unit and the longest numbers: what the engine may send must fit.
Plan largest_plan() {
  Plan plan = samples::plan();
  plan.units.clear();
  plan.salvageable.clear();
  plan.lost.clear();
  plan.bad.clear();
  plan.restored.clear();
  constexpr std::uint64_t kFar = 1ULL << 62U;
  for (std::uint64_t i = 0; i < kMaxUnitsPerPlan; ++i) {
    const ByteRange range{kFar + i * 4096, 4096};
    PlannedUnit planned = samples::planned_unit();
    planned.unit.device_range = range;
    planned.mappings.assign(1, {.file = {UINT64_MAX, UINT32_MAX}, .file_offset = kFar, .device_range = range});
    plan.units.push_back(planned);
    plan.bad.push_back({range.offset, 512});
    plan.lost.push_back({range.offset, 512});
    plan.salvageable.push_back({range.offset + 512, 3584});
  }
  return plan;
}

TEST(Protocol, TheLargestPlanFitsIntoOneMessage) {
  RepairRequest request = samples::repair_request();
  request.plan = largest_plan();
  const auto text = encode(Request{.id = {1}, .verb = Verb::kRepair, .deadline_ms = 1, .body = to_json(request)});
  ASSERT_TRUE(text.has_value()) << text.error().message();
  const auto back = parse_message(*text);
  ASSERT_TRUE(back.has_value()) << back.error().message();
  EXPECT_EQ(from_json<RepairRequest>(std::get<Request>(*back).body).value(), request);
}

TEST(Protocol, TheManifestOfTheLargestPlanFitsIntoOneMessage) {
  RepairReply reply = samples::repair_reply();
  reply.manifest = {};
  for (const PlannedUnit& planned : largest_plan().units) {
    const Mapping& mapping = planned.mappings.front();
    const ManifestRange range{
        .inode = mapping.file.inode, .file_offset = mapping.file_offset, .device_range = mapping.device_range};
    reply.manifest.lost.push_back(range);
    reply.manifest.salvaged.push_back({range, SavedFrom::kPageCache});
    reply.manifest.units.push_back(planned.unit);
  }
  const auto text = encode(Reply{.id = {1}, .body = to_json(reply)});
  EXPECT_TRUE(text.has_value()) << text.error().message();
}

}  // namespace
}  // namespace pmend::protocol
