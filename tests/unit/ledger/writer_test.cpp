// SPDX-License-Identifier: Apache-2.0
#include "pmend/ledger/writer.hpp"

#include "ledger_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace pmend {
namespace {

using testing::HasSubstr;

// A writer whose results are kept.
class LedgerWriting : public testing::Test {
 protected:
  void SetUp() override {
    auto ledger = dir_.open();
    ASSERT_TRUE(ledger.has_value()) << ledger.error().message();
    auto reader = ledger->open_reader();
    ASSERT_TRUE(reader.has_value()) << reader.error().message();
    writer_ = std::make_unique<LedgerWriter>(std::move(*ledger), std::move(*reader),
                                             [this](const LedgerResult& result) { results_.push_back(result); });
  }

  // Holds the ledger thread until the returned promise is kept, so that what is submitted meanwhile comes together.
  std::promise<void> hold() {
    std::promise<void> release;
    std::promise<void> holding;
    auto held = holding.get_future();
    writer_->query([&holding, until = release.get_future().share()](LedgerReader&) {
      holding.set_value();
      until.wait();
    });
    held.wait();
    return release;
  }

  void submit(const std::vector<LedgerRecord>& records) {
    for (const LedgerRecord& record : records) {
      writer_->submit(record);
    }
  }

  LedgerDir dir_;
  std::vector<LedgerResult> results_;  // of the ledger thread, read after stop()
  std::unique_ptr<LedgerWriter> writer_;
};

TEST_F(LedgerWriting, ReportsTheLastRecordOfWhatCameTogether) {
  auto release = hold();
  submit(a_story(30));
  release.set_value();
  ASSERT_TRUE(writer_->stop().has_value());
  ASSERT_EQ(results_.size(), 1U) << "one commit for all";
  EXPECT_EQ(results_[0].seq, 30U);
  EXPECT_FALSE(results_[0].error.has_value());
}

TEST_F(LedgerWriting, StopWritesWhatIsLeftAndEndsInOrder) {
  submit(a_story(10));
  ASSERT_TRUE(writer_->stop().has_value());
  writer_.reset();
  EXPECT_EQ(state_in(dir_).value(), states_of(a_story(10)).back());
  EXPECT_EQ(results_.back().seq, 10U);
}

TEST_F(LedgerWriting, EndsInOrderWithoutAnyRecord) {
  ASSERT_TRUE(writer_->stop().has_value());
  writer_.reset();
  auto ledger = dir_.open();
  EXPECT_TRUE(load(*ledger).clean_shutdown);
  EXPECT_TRUE(results_.empty());
}

TEST_F(LedgerWriting, QueriesSeeWhatWasSubmittedBefore) {
  std::promise<std::size_t> found;
  submit(a_story(9));
  writer_->query([&](LedgerReader& reader) { found.set_value(reader.list({}, {}, 100).value().incidents.size()); });
  EXPECT_EQ(found.get_future().get(), 2U);
  EXPECT_TRUE(writer_->stop().has_value());
}

TEST_F(LedgerWriting, AFailedRecordFailsAllThatCameWithItAndAllThatFollow) {
  auto story = a_story(12);
  submit({story.begin(), story.begin() + 4});
  auto release = hold();
  story[5].changes = {ledger::StepOutcome{ended(an_intent(99))}};
  submit({story.begin() + 4, story.begin() + 8});
  release.set_value();
  hold().set_value();
  submit({story.begin() + 8, story.end()});
  std::promise<std::uint64_t> durable;
  writer_->query([&](LedgerReader& reader) { durable.set_value(reader.load({}).value().last_seq); });
  EXPECT_EQ(durable.get_future().get(), 4U) << "queries go on";

  const Status stopped = writer_->stop();
  ASSERT_FALSE(stopped.has_value());
  EXPECT_THAT(stopped.error().what, HasSubstr("record 6: step-outcome: "));
  std::uint64_t reported = 0;
  for (const LedgerResult& result : results_) {
    if (!result.error) {
      EXPECT_EQ(reported, result.seq < 5 ? reported : 0U) << "durable after a failure";
      reported = result.seq;
    } else {
      EXPECT_GE(result.seq, 5U);
      EXPECT_THAT(result.error->what, HasSubstr("record 6: step-outcome: "));
    }
  }
  EXPECT_EQ(reported, 4U);
  EXPECT_TRUE(results_.back().error.has_value());

  writer_.reset();
  auto ledger = dir_.open();
  EXPECT_EQ(load(*ledger).last_seq, 4U);
  EXPECT_FALSE(load(*ledger).clean_shutdown);
}

}  // namespace
}  // namespace pmend
