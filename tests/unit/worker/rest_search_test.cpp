// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/rest_search.hpp"

#include "pmend/model/json_fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <deque>
#include <utility>

namespace pmend::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kDisk = 1U << 20U;

// Children do not run: the test answers for them.
class RestSearching : public testing::Test {
 protected:
  RestSearching() {
    info_.device = "/dev/pmem0";
    info_.device_id = "ns:1";
    info_.size = kDisk;
  }

  void cut_list(std::uint64_t bad) { search_.list_read(setting_, info_, {RangeSet({{bad, 512}}), false, bad + 512}); }
  void fail_child(const std::string& why) {
    answer(tl::make_unexpected(protocol::ReplyError{protocol::ErrorCode::kInternal, why}));
  }
  void answer(const Answer& answer) {
    ASSERT_FALSE(asked_.empty());
    const auto on_answer = std::move(asked_.front());
    asked_.pop_front();
    on_answer(answer);
  }
  static Answer found(std::vector<ByteRange> ranges, std::uint64_t read_to) {
    Json rest = {{"ranges", Json::array()}, {"read_to", read_to}};
    for (const ByteRange& range : ranges) {
      rest["ranges"].push_back({{"offset", range.offset}, {"length", range.length}});
    }
    return rest;
  }
  // Lets all timers end; true if that asked again.
  bool run_timer() {
    const std::size_t before = asked_.size();
    io_.restart();
    io_.run();
    return asked_.size() > before;
  }

  boost::asio::io_context io_;
  Setting setting_;
  protocol::DeviceInfo info_;
  std::deque<std::function<void(Answer)>> asked_;
  std::vector<MediaErrorList> told_;
  std::vector<std::string> notices_;
  RestSearch search_{{io_, [this](auto, const auto&, auto on_answer) { asked_.push_back(std::move(on_answer)); },
                      [this](const MediaErrorList& list) { told_.push_back(list); },
                      [](const std::string&) { return RangeSet(); },
                      [this](const std::string&, const std::string& text) { notices_.push_back(text); },
                      std::chrono::milliseconds(1)}};
};

TEST_F(RestSearching, GoesOnToTheEndAndTellsTheWhole) {
  cut_list(4096);
  answer(found({{8192, 512}}, 16384));
  answer(found({}, kDisk));
  ASSERT_THAT(told_, SizeIs(2));
  EXPECT_FALSE(told_[0].complete);
  EXPECT_TRUE(told_[1].complete);
  EXPECT_THAT(told_[1].ranges, ElementsAre(ByteRange{4096, 512}, ByteRange{8192, 512}));
  EXPECT_THAT(notices_, IsEmpty());
}

TEST_F(RestSearching, AFailureIsToldOnceAndTriedAgainAndTheListStaysIncomplete) {
  cut_list(4096);
  fail_child("read: Input/output error");
  ASSERT_THAT(notices_, SizeIs(1));
  EXPECT_THAT(notices_.front(), HasSubstr("Input/output error"));
  EXPECT_THAT(told_, IsEmpty()) << "what was told before says that it is incomplete";
  ASSERT_TRUE(run_timer());
  fail_child("read: Input/output error");
  EXPECT_THAT(notices_, SizeIs(1));
  ASSERT_TRUE(run_timer());
  answer(found({}, kDisk));
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_TRUE(told_.front().complete);
  EXPECT_FALSE(run_timer());
}

TEST_F(RestSearching, AnAnswerThatCannotBeReadIsAFailure) {
  cut_list(4096);
  answer(Json{{"nonsense", 1}});
  EXPECT_THAT(notices_, SizeIs(1));
  EXPECT_TRUE(run_timer());
}

TEST_F(RestSearching, AChangeOfTheListDoesNotWaitForTheNextTry) {
  cut_list(4096);
  fail_child("no");
  cut_list(8192);
  EXPECT_THAT(asked_, SizeIs(1));
  EXPECT_FALSE(run_timer()) << "one search at a time";
}

TEST_F(RestSearching, AListThatHasBecomeWholeOrADeviceThatWentIsNotTriedAgain) {
  cut_list(4096);
  fail_child("no");
  search_.list_read(setting_, info_, {RangeSet({{4096, 512}}), true, 0});
  EXPECT_FALSE(run_timer());
  cut_list(4096);
  fail_child("no");
  search_.device_gone("/dev/pmem0");
  EXPECT_FALSE(run_timer());
  EXPECT_THAT(asked_, IsEmpty());
}

}  // namespace
}  // namespace pmend::worker
