// SPDX-License-Identifier: Apache-2.0
#include "medium/state_file.hpp"

#include "temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace pmend::medium {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kImageBytes = 1000 * kSectorBytes;
const Now kNow{SteadyTime(std::chrono::seconds(50)), WallTime(std::chrono::seconds(1'700'000'000))};

State full_state() {
  State state;
  state.mode = parse_mode({}, "write=lie recur=7 silent=1").value();
  state.map.poison({4096, 512});
  state.map.poison({8192, 4096});
  state.map.add_phantom({0, 512});
  state.map.schedule({512, 1024}, kNow.steady + std::chrono::seconds(5));
  return state;
}

TEST(StateText, EverythingIsReadBack) {
  EXPECT_EQ(parse_state(to_json(full_state(), kImageBytes, kNow), kImageBytes, kNow).value(), full_state());
  EXPECT_EQ(parse_state(to_json({}, kImageBytes, kNow), kImageBytes, kNow).value(), State{});
}

TEST(StateText, ReturnsKeepTheirWallTimeOverARestart) {
  const std::string json = to_json(full_state(), kImageBytes, kNow);
  const Now later{SteadyTime(std::chrono::seconds(3)), kNow.wall + std::chrono::seconds(2)};
  EXPECT_EQ(parse_state(json, kImageBytes, later)->map.next_return(), later.steady + std::chrono::seconds(3));
  const Now much_later{SteadyTime(std::chrono::seconds(3)), kNow.wall + std::chrono::hours(2)};
  EXPECT_EQ(parse_state(json, kImageBytes, much_later)->map.next_return(), much_later.steady);
}

TEST(StateText, AReturnIsNeverMoreThanADayAway) {
  for (const char* due : {"18446744073709551615", "9223372036854775808", "1800000000000000"}) {
    const std::string json =
        R"({"version":1,"bytes":512000,"mode":"read=eio","poison":[],"phantom":[],"returns":[[1,1,)" +
        std::string(due) + "]]}";
    EXPECT_EQ(parse_state(json, kImageBytes, kNow)->map.next_return(), kNow.steady + std::chrono::hours(24)) << due;
  }
}

TEST(StateText, GarbageIsCorrupt) {
  const std::string good = to_json(full_state(), kImageBytes, kNow);
  for (std::size_t length = 0; length + 1 < good.size(); ++length) {
    EXPECT_FALSE(parse_state(good.substr(0, length), kImageBytes, kNow).has_value()) << length;
  }
  for (const char* json :
       {"[]", "null", "1", R"({"version":2,"bytes":512000,"mode":"read=eio","poison":[],"phantom":[],"returns":[]})",
        R"({"version":1,"bytes":512,"mode":"read=eio","poison":[],"phantom":[],"returns":[]})",
        R"({"version":1,"bytes":512000,"mode":"read=no","poison":[],"phantom":[],"returns":[]})",
        R"({"version":1,"bytes":512000,"mode":1,"poison":[],"phantom":[],"returns":[]})",
        R"({"version":1,"bytes":512000,"mode":"read=eio","poison":{},"phantom":[],"returns":[]})",
        R"({"version":1,"bytes":512000,"mode":"read=eio","phantom":[],"returns":[]})"}) {
    const auto state = parse_state(json, kImageBytes, kNow);
    ASSERT_FALSE(state.has_value()) << json;
    EXPECT_TRUE(state.error().is(Errc::kCorrupt));
  }
  for (const char* row : {"8", "[8]", "[8,1,1]", "[8,0]", "[-8,1]", "[8,1.5]", "[\"8\",1]", "[8,null]", "[1000,1]",
                          "[999,2]", "[18446744073709551615,1]", "[1,18446744073709551615]", "[1e30,1]"}) {
    const std::string json = R"({"version":1,"bytes":512000,"mode":"read=eio","poison":[)" + std::string(row) +
                             R"(],"phantom":[],"returns":[]})";
    EXPECT_FALSE(parse_state(json, kImageBytes, kNow).has_value()) << row;
  }
}

class StateDirectoryTest : public TemporaryDirectoryTest {};

TEST_F(StateDirectoryTest, IsMadeAndStartsEmpty) {
  const auto directory = StateDirectory::open(directory_ / "state");
  ASSERT_TRUE(directory.has_value());
  EXPECT_EQ(directory->load(kImageBytes, kNow).value(), State{});
}

TEST_F(StateDirectoryTest, WhatIsSavedIsLoadedByTheNext) {
  {
    const auto directory = StateDirectory::open(directory_ / "state");
    ASSERT_TRUE(directory->save({}, kImageBytes, kNow).has_value());
    ASSERT_TRUE(directory->save(full_state(), kImageBytes, kNow).has_value());
  }
  EXPECT_EQ(StateDirectory::open(directory_ / "state")->load(kImageBytes, kNow).value(), full_state());
}

TEST_F(StateDirectoryTest, HasOneUserAtATime) {
  const auto first = StateDirectory::open(directory_ / "state");
  const auto second = StateDirectory::open(directory_ / "state");
  ASSERT_FALSE(second.has_value());
  EXPECT_TRUE(second.error().is(Errc::kRefused));
  EXPECT_THAT(second.error().message(), HasSubstr("another pmend-medium"));
}

TEST_F(StateDirectoryTest, DamagedFileIsAnErrorWithItsName) {
  const auto directory = StateDirectory::open(directory_ / "state");
  std::ofstream(directory_ / "state" / "state.json") << "{";
  const auto state = directory->load(kImageBytes, kNow);
  ASSERT_FALSE(state.has_value());
  EXPECT_THAT(state.error().message(), HasSubstr("state.json"));
}

TEST_F(StateDirectoryTest, FailedSaveKeepsTheOldState) {
  const auto directory = StateDirectory::open(directory_ / "state");
  ASSERT_TRUE(directory->save(full_state(), kImageBytes, kNow).has_value());
  std::filesystem::create_directory(directory_ / "state" / "state.json.new");
  EXPECT_FALSE(directory->save({}, kImageBytes, kNow).has_value());
  EXPECT_EQ(directory->load(kImageBytes, kNow).value(), full_state());
}

}  // namespace
}  // namespace pmend::medium
