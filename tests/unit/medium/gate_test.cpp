// SPDX-License-Identifier: Apache-2.0
#include "medium/gate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace pmend::medium {
namespace {

using testing::ElementsAre;

Request request(Operation operation, ByteRange range) {
  return {operation, range, {}};
}

bool park(Gate& gate, const Request& what) {
  Completion done = [](const Reply&) {};
  return gate.park(what, done);
}

TEST(GateCommands, AreReadLineByLine) {
  const auto commands = parse_gate_commands("hold write 4096 512\nhold-one any 0 1\nrelease\nfail\n");
  ASSERT_TRUE(commands.has_value());
  using Kind = GateCommand::Kind;
  EXPECT_THAT(*commands, ElementsAre(GateCommand{Kind::kHold, {Operation::kWrite, {4096, 512}, false}},
                                     GateCommand{Kind::kHold, {std::nullopt, {0, 1}, true}},
                                     GateCommand{Kind::kRelease, {}}, GateCommand{Kind::kFail, {}}));
}

TEST(GateCommands, GarbageIsRefused) {
  for (const char* text :
       {"", "\n", "hold", "hold write", "hold write 0", "hold write 0 0", "hold write -1 512", "hold write 0 512 1",
        "hold discard 0 512", "hold Write 0 512", "hold write 9223372036854775807 1",
        "hold write 18446744073709551615 18446744073709551615", "hold write 18446744073709551616 1", "release 1",
        "release\n\n", "fail now", "release\nnope", "hold-two write 0 512", "\xFF"}) {
    const auto commands = parse_gate_commands(text);
    ASSERT_FALSE(commands.has_value()) << text;
    EXPECT_TRUE(commands.error().is(Errc::kInvalid));
  }
}

TEST(GateRule, MatchesByOperationAndOverlap) {
  const GateRule writes{Operation::kWrite, {4096, 512}, false};
  const GateRule zeros{Operation::kZero, {4096, 512}, false};
  const GateRule any{std::nullopt, {4096, 512}, false};
  struct {
    Request request;
    bool writes, zeros, any;
  } const rows[] = {{request(Operation::kWrite, {4096, 512}), true, false, true},
                    {request(Operation::kWrite, {4607, 1}), true, false, true},
                    {request(Operation::kWrite, {4608, 512}), false, false, false},
                    {request(Operation::kWrite, {0, 4096}), false, false, false},
                    {request(Operation::kWrite, {0, 4097}), true, false, true},
                    {request(Operation::kRead, {4096, 512}), false, false, true},
                    {request(Operation::kZero, {4096, 512}), false, true, true},
                    {request(Operation::kDiscard, {4096, 512}), false, true, true}};
  for (const auto& row : rows) {
    EXPECT_EQ(writes.matches(row.request), row.writes);
    EXPECT_EQ(zeros.matches(row.request), row.zeros);
    EXPECT_EQ(any.matches(row.request), row.any);
  }
}

TEST(Gate, HoldsOnlyMatchingRequests) {
  Gate gate;
  EXPECT_FALSE(park(gate, request(Operation::kWrite, {0, 512})));
  gate.add({Operation::kWrite, {0, 512}, false});
  EXPECT_TRUE(park(gate, request(Operation::kWrite, {0, 512})));
  EXPECT_FALSE(park(gate, request(Operation::kRead, {0, 512})));
  EXPECT_TRUE(park(gate, request(Operation::kWrite, {0, 4096})));
}

TEST(Gate, LeavesTheCompletionOfARequestThatPasses) {
  Gate gate;
  bool called = false;
  Completion done = [&](const Reply&) { called = true; };
  EXPECT_FALSE(gate.park(request(Operation::kWrite, {0, 512}), done));
  done({});
  EXPECT_TRUE(called);
}

TEST(Gate, HoldOneHoldsTheFirstMatchOnly) {
  Gate gate;
  gate.add({std::nullopt, {0, 512}, true});
  EXPECT_FALSE(park(gate, request(Operation::kWrite, {512, 512})));
  EXPECT_TRUE(park(gate, request(Operation::kWrite, {0, 512})));
  EXPECT_FALSE(park(gate, request(Operation::kWrite, {0, 512})));
}

TEST(Gate, HandsOverInOrderAndForgetsAll) {
  Gate gate;
  gate.add({std::nullopt, {0, 4096}, false});
  for (const std::uint64_t offset : {1024U, 0U, 512U}) {
    EXPECT_TRUE(park(gate, request(Operation::kWrite, {offset, 512})));
  }
  const auto parked = gate.open();
  ASSERT_EQ(parked.size(), 3U);
  EXPECT_EQ(parked[0].request.range.offset, 1024U);
  EXPECT_EQ(parked[1].request.range.offset, 0U);
  EXPECT_EQ(parked[2].request.range.offset, 512U);
  EXPECT_EQ(gate.describe(), "");
  EXPECT_TRUE(gate.open().empty());
  EXPECT_FALSE(park(gate, request(Operation::kWrite, {0, 512})));
}

TEST(Gate, ParkedDataIsACopy) {
  Gate gate;
  gate.add({std::nullopt, {0, 4096}, false});
  std::array<std::byte, 4> data{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  const auto before = data;
  for (int i = 0; i < 20; ++i) {  // enough to move the queue in memory
    EXPECT_TRUE(park(gate, {Operation::kWrite, {0, 4}, data}));
  }
  data.fill(std::byte{0});
  for (const HeldRequest& held : gate.open()) {
    EXPECT_TRUE(std::ranges::equal(held.request.data, before));
  }
}

TEST(Gate, ShowsRulesAsWrittenAndThenTheParked) {
  Gate gate;
  gate.add({Operation::kZero, {4096, 512}, false});
  gate.add({std::nullopt, {0, 512}, true});
  EXPECT_TRUE(park(gate, request(Operation::kDiscard, {4096, 4096})));
  EXPECT_EQ(gate.describe(), "hold zero 4096 512\nhold-one any 0 512\nparked discard 4096 4096\n");
}

}  // namespace
}  // namespace pmend::medium
