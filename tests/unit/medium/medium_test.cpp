// SPDX-License-Identifier: Apache-2.0
#include "medium/medium.hpp"

#include "temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <vector>

namespace pmend::medium {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class MediumTest : public TemporaryDirectoryTest {
 protected:
  void SetUp() override {
    TemporaryDirectoryTest::SetUp();
    medium_ = std::move(*Medium::open({.image = directory_ / "image",
                                       .bytes = 65536,
                                       .state_directory = directory_ / "state",
                                       .changed = [this](File file) { changes_.push_back(file); }}));
  }
  void TearDown() override {
    medium_.reset();
    TemporaryDirectoryTest::TearDown();
  }

  void submit(Operation operation, ByteRange range, char fill = 'a') {
    const std::string data(operation == Operation::kWrite ? range.length : 0, fill);
    medium_->submit({operation, range, std::as_bytes(std::span(data))},
                    [this](const Reply& reply) { replies_.push_back(reply.error); });
  }
  char byte_at(std::uint64_t offset) {
    char value = 0;
    medium_->submit({Operation::kRead, {offset, 1}, {}},
                    [&](const Reply& reply) { value = reply.error == 0 ? static_cast<char>(reply.data[0]) : '!'; });
    return value;
  }

  std::vector<File> changes_;
  std::vector<int> replies_;
  std::unique_ptr<Medium> medium_;
};

TEST_F(MediumTest, ParkedWriteReachesTheDiskOnRelease) {
  ASSERT_TRUE(medium_->write_text(File::kGate, "hold write 0 512\n").has_value());
  submit(Operation::kWrite, {0, 512}, 'x');
  submit(Operation::kWrite, {0, 512}, 'y');
  EXPECT_THAT(replies_, IsEmpty());
  EXPECT_EQ(byte_at(0), '\0');
  EXPECT_THAT(changes_, ElementsAre(File::kGate, File::kGate));
  EXPECT_EQ(medium_->text(File::kGate), "hold write 0 512\nparked write 0 512\nparked write 0 512\n");
  ASSERT_TRUE(medium_->write_text(File::kGate, "release\n").has_value());
  EXPECT_THAT(replies_, ElementsAre(0, 0));
  EXPECT_EQ(byte_at(0), 'y');
}

TEST_F(MediumTest, FailedRequestsNeverReachTheDisk) {
  ASSERT_TRUE(medium_->write_text(File::kGate, "hold any 0 512\n").has_value());
  submit(Operation::kWrite, {0, 512}, 'x');
  ASSERT_TRUE(medium_->write_text(File::kGate, "fail\n").has_value());
  EXPECT_THAT(replies_, ElementsAre(EIO));
  EXPECT_EQ(byte_at(0), '\0');
}

TEST_F(MediumTest, StopEndsParkedAndDelayedRequestsWithEio) {
  medium_->start();
  ASSERT_TRUE(medium_->write_text(File::kGate, "hold write 0 512\n").has_value());
  ASSERT_TRUE(medium_->write_text(File::kMode, "delay-zero=600000\n").has_value());
  submit(Operation::kWrite, {0, 512});
  submit(Operation::kZero, {512, 512});
  EXPECT_THAT(replies_, IsEmpty());
  medium_->stop();
  EXPECT_THAT(replies_, ElementsAre(EIO, EIO));
}

TEST_F(MediumTest, DelayedRequestIsDoneByAnotherThread) {
  medium_->start();
  ASSERT_TRUE(medium_->write_text(File::kMode, "delay-read=1\n").has_value());
  std::promise<std::thread::id> done;
  medium_->submit({Operation::kRead, {0, 512}, {}}, [&](const Reply&) { done.set_value(std::this_thread::get_id()); });
  EXPECT_NE(done.get_future().get(), std::this_thread::get_id());
}

TEST_F(MediumTest, ListsAreEditedThroughTheirFiles) {
  ASSERT_TRUE(medium_->write_text(File::kBadblocks, "8 2\n16 1\n").has_value());
  ASSERT_TRUE(medium_->write_text(File::kPoison, "phantom 32 1\n").has_value());
  ASSERT_TRUE(medium_->write_text(File::kBadblocks, "-8 1\n").has_value());
  EXPECT_EQ(medium_->text(File::kBadblocks), "9 1\n16 1\n32 1\n");
  EXPECT_EQ(medium_->text(File::kPoison), "9 1 poison\n16 1 poison\n32 1 phantom\n");
  EXPECT_THAT(changes_, ElementsAre(File::kBadblocks, File::kBadblocks, File::kBadblocks));
}

TEST_F(MediumTest, BadTextChangesNothing) {
  for (const File file : {File::kBadblocks, File::kPoison, File::kMode, File::kGate}) {
    const std::string before = medium_->text(file);
    for (const char* text : {"", "\n", "garbage", "8 1\nnope\n", "phantom 8 1\nnope\n", "write=lie nope",
                             "hold any 0 1\nnope\n", "128 1\n", "phantom 128 1\n"}) {
      const auto written = medium_->write_text(file, text);
      ASSERT_FALSE(written.has_value()) << text;
      EXPECT_TRUE(written.error().is(Errc::kInvalid));
    }
    EXPECT_EQ(medium_->text(file), before);
  }
  EXPECT_TRUE(medium_->write_text(File::kTrace, "x").error().is(Errc::kRefused));
  EXPECT_THAT(changes_, IsEmpty());
}

}  // namespace
}  // namespace pmend::medium
