// SPDX-License-Identifier: Apache-2.0
#include "medium/decision.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace pmend::medium {
namespace {

// Sectors 8 and 9 (bytes 4096 to 5119) are poisoned, sector 20 is a phantom.
PoisonMap the_map() {
  PoisonMap map;
  map.poison({4096, 1024});
  map.add_phantom({10240, 512});
  return map;
}

Decision decide_with(const char* mode, Operation operation, ByteRange range) {
  return decide(parse_mode({}, mode).value(), the_map(), {operation, range, {}});
}

const Decision kTouchedEio{.error = EIO, .parts = {}, .touched_poison = true};

TEST(DecideRead, PoisonInATouchedSectorDecides) {
  struct {
    const char* mode;
    ByteRange range;
    Decision expected;
  } const rows[] = {
      {"read=eio", {0, 4096}, {.parts = {{0, 4096}}}},
      {"read=eio", {0, 4097}, kTouchedEio},
      {"read=eio", {5119, 1}, kTouchedEio},
      {"read=eio", {5120, 512}, {.parts = {{5120, 512}}}},
      {"read=eio", {10240, 512}, {.parts = {{10240, 512}}}},
      {"read=short", {100, 8000}, {.parts = {{100, 3996}}, .touched_poison = true}},
      {"read=short", {4096, 8000}, kTouchedEio},
      {"read=short", {4700, 8000}, kTouchedEio},
      {"read=ok", {4000, 8000}, {.parts = {{4000, 8000}}, .touched_poison = true}},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(decide_with(row.mode, Operation::kRead, row.range), row.expected)
        << row.mode << " " << to_string(row.range);
  }
}

TEST(DecideChange, WithoutPoisonEverythingIsDone) {
  for (const char* mode :
       {"write=eio zero=eio discard=eio", "write=clear zero=clear discard=clear", "write=lie zero=lie discard=clear"}) {
    for (const Operation operation : {Operation::kWrite, Operation::kZero, Operation::kDiscard}) {
      const ByteRange range{10000, 1000};
      EXPECT_EQ(decide_with(mode, operation, range), (Decision{.parts = {range}})) << mode;
    }
  }
}

TEST(DecideChange, PartlyCoveredPoisonIsEioInEveryMode) {
  for (const char* mode :
       {"write=eio zero=eio discard=eio", "write=clear zero=clear discard=clear", "write=lie zero=lie discard=lie"}) {
    for (const ByteRange range :
         {ByteRange{4097, 1023}, ByteRange{0, 5119}, ByteRange{4200, 10}, ByteRange{4608, 1}, ByteRange{5119, 4096}}) {
      for (const Operation operation : {Operation::kWrite, Operation::kZero, Operation::kDiscard}) {
        EXPECT_EQ(decide_with(mode, operation, range), kTouchedEio) << mode << " " << to_string(range);
      }
    }
  }
}

TEST(DecideChange, PartlyCoveredGoodSectorsDoNotMatter) {
  EXPECT_EQ(decide_with("write=clear", Operation::kWrite, {4095, 1026}),
            (Decision{.parts = {{4095, 1026}}, .touched_poison = true, .cures = true}));
}

TEST(DecideChange, WholePoisonedSectorsFollowTheMode) {
  const ByteRange range{3584, 2048};
  const Decision cures{.parts = {range}, .touched_poison = true, .cures = true};
  const Decision lies{.parts = {{3584, 512}, {5120, 512}}, .touched_poison = true, .lies = true};
  const Decision no_support{.error = EOPNOTSUPP, .parts = {}, .touched_poison = true};
  const Decision does_nothing{.parts = {}, .touched_poison = true, .lies = true};
  struct {
    const char* mode;
    Operation operation;
    const Decision& expected;
  } const rows[] = {{"write=eio", Operation::kWrite, kTouchedEio},
                    {"write=clear", Operation::kWrite, cures},
                    {"write=lie", Operation::kWrite, lies},
                    {"zero=eio", Operation::kZero, kTouchedEio},
                    {"zero=clear", Operation::kZero, cures},
                    {"zero=lie", Operation::kZero, lies},
                    {"zero=nosupp", Operation::kZero, no_support},
                    {"discard=eio", Operation::kDiscard, kTouchedEio},
                    {"discard=clear", Operation::kDiscard, cures},
                    {"discard=lie", Operation::kDiscard, does_nothing},
                    {"discard=nosupp", Operation::kDiscard, no_support}};
  for (const auto& row : rows) {
    EXPECT_EQ(decide_with(row.mode, row.operation, range), row.expected) << row.mode;
  }
}

TEST(DecideChange, NoSupportIsForGoodSectorsToo) {
  EXPECT_EQ(decide_with("zero=nosupp", Operation::kZero, {0, 512}).error, EOPNOTSUPP);
  EXPECT_EQ(decide_with("discard=nosupp", Operation::kDiscard, {0, 512}).error, EOPNOTSUPP);
}

TEST(DecideChange, LyingDiscardLeavesGoodSectorsToo) {
  EXPECT_EQ(decide_with("discard=lie", Operation::kDiscard, {0, 512}), Decision{});
}

}  // namespace
}  // namespace pmend::medium
