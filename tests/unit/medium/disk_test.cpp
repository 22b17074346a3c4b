// SPDX-License-Identifier: Apache-2.0
#include "medium/disk.hpp"

#include "medium/trace_reader.hpp"
#include "temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

namespace pmend::medium {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr std::uint64_t kSectors = 64;
constexpr std::uint64_t kDiskBytes = kSectors * kSectorBytes;

class ManualClock final : public Clock {
 public:
  WallTime wall() const override { return WallTime(std::chrono::hours(500'000)) + steady_.time_since_epoch(); }
  SteadyTime steady() const override { return steady_; }
  void advance(std::chrono::seconds by) { steady_ += by; }

 private:
  SteadyTime steady_{};
};

ByteRange sectors(std::uint64_t first, std::uint64_t count) {
  return {first * kSectorBytes, count * kSectorBytes};
}

std::string text_of(const Reply& reply) {
  return {reinterpret_cast<const char*>(reply.data.data()), reply.data.size()};
}

class DiskTest : public TemporaryDirectoryTest {
 protected:
  void SetUp() override {
    TemporaryDirectoryTest::SetUp();
    restart();
  }

  // Everything from the files again, as after a kill.
  void restart() {
    disk_.reset();
    state_directory_.reset();
    trace_.reset();
    auto image = open_image(directory_ / "image", kDiskBytes);
    ASSERT_TRUE(image.has_value());
    state_directory_ = std::make_unique<StateDirectory>(std::move(*StateDirectory::open(directory_ / "state")));
    auto state = state_directory_->load(kDiskBytes, Now::of(clock_));
    ASSERT_TRUE(state.has_value());
    trace_ = std::make_unique<TraceWriter>(std::move(*TraceWriter::open(state_directory_->trace_path())));
    disk_ = std::make_unique<Disk>(
        Disk::Setup{.image = std::move(*image),
                    .state = std::move(*state),
                    .directory = *state_directory_,
                    .trace = *trace_,
                    .clock = clock_,
                    .events = {.list_changed = [this] { ++list_changes_; },
                               .return_pending = [this](SteadyTime time) { pending_.push_back(time); }}});
  }

  int write(ByteRange range, char fill) {
    const std::string data(range.length, fill);
    return disk_->execute({Operation::kWrite, range, std::as_bytes(std::span(data))}).error;
  }
  int zero(ByteRange range) { return disk_->execute({Operation::kZero, range, {}}).error; }
  int discard(ByteRange range) { return disk_->execute({Operation::kDiscard, range, {}}).error; }
  Reply read(ByteRange range) { return disk_->execute({Operation::kRead, range, {}}); }
  // What lies in the image, poisoned or not.
  std::string content(ByteRange range) {
    std::string bytes(range.length, '\0');
    std::ifstream file(directory_ / "image", std::ios::binary);
    file.seekg(static_cast<std::streamoff>(range.offset));
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
  }
  void poison(ByteRange range) { ASSERT_TRUE(disk_->edit({{ListEdit::Kind::kPoison, range}}).has_value()); }
  void set_mode(const char* words) { ASSERT_TRUE(disk_->set_mode(words).has_value()); }
  TraceRecord last_record() { return read_trace(state_directory_->trace_path())->back(); }

  ManualClock clock_;
  std::atomic<int> list_changes_ = 0;
  std::vector<SteadyTime> pending_;
  std::unique_ptr<StateDirectory> state_directory_;
  std::unique_ptr<TraceWriter> trace_;
  std::unique_ptr<Disk> disk_;
};

TEST_F(DiskTest, HealthyDiskKeepsWhatIsWritten) {
  EXPECT_EQ(write({100, 2000}, 'a'), 0);
  EXPECT_EQ(text_of(read({99, 2})), std::string("\0a", 2));
  EXPECT_EQ(text_of(read({100, 2000})), std::string(2000, 'a'));
  EXPECT_EQ(zero({600, 10}), 0);
  EXPECT_EQ(text_of(read({599, 12})), "a" + std::string(10, '\0') + "a");
  EXPECT_EQ(list_changes_, 0);
}

TEST_F(DiskTest, PoisonedContentIsLost) {
  ASSERT_EQ(write(sectors(0, 4), 'a'), 0);
  poison(sectors(1, 2));
  EXPECT_EQ(read(sectors(0, 4)).error, EIO);
  EXPECT_EQ(text_of(read(sectors(0, 1))), std::string(512, 'a'));
  EXPECT_EQ(content(sectors(1, 2)).substr(1000), "POISONEDPOISONEDPOISONED");
  EXPECT_EQ(content(sectors(3, 1)), std::string(512, 'a'));
  EXPECT_EQ(list_changes_, 1);
}

TEST_F(DiskTest, ScrambleCanBeSwitchedOff) {
  ASSERT_EQ(write(sectors(0, 1), 'a'), 0);
  set_mode("scramble=0");
  poison(sectors(0, 1));
  EXPECT_EQ(content(sectors(0, 1)), std::string(512, 'a'));
}

TEST_F(DiskTest, ClearingWriteCuresAndStores) {
  set_mode("write=clear");
  poison(sectors(1, 1));
  EXPECT_EQ(write(sectors(0, 3), 'b'), 0);
  EXPECT_EQ(text_of(read(sectors(0, 3))), std::string(1536, 'b'));
  EXPECT_EQ(disk_->badblocks_text(), "\n");
  EXPECT_EQ(list_changes_, 2);
  EXPECT_EQ(last_record().flags, kTraceTouchedPoison | kTraceCured);
}

TEST_F(DiskTest, RefusedWriteChangesNothing) {
  ASSERT_EQ(write(sectors(0, 3), 'a'), 0);
  poison(sectors(1, 1));
  EXPECT_EQ(write(sectors(0, 3), 'b'), EIO);
  EXPECT_EQ(content(sectors(0, 1)), std::string(512, 'a'));
  EXPECT_EQ(disk_->badblocks_text(), "1 1\n");
  EXPECT_EQ(last_record().error, static_cast<std::uint32_t>(EIO));
  EXPECT_EQ(last_record().flags, kTraceTouchedPoison);
}

TEST_F(DiskTest, LyingWriteStoresOnlyTheGoodSectors) {
  set_mode("write=lie");
  poison(sectors(1, 1));
  EXPECT_EQ(write(sectors(0, 3), 'b'), 0);
  EXPECT_EQ(content(sectors(0, 1)), std::string(512, 'b'));
  EXPECT_EQ(content(sectors(1, 1)).substr(0, 8), "POISONED");
  EXPECT_EQ(content(sectors(2, 1)), std::string(512, 'b'));
  EXPECT_EQ(read(sectors(1, 1)).error, EIO);
  EXPECT_EQ(last_record().flags, kTraceTouchedPoison | kTraceLied);
}

TEST_F(DiskTest, LyingZeroAndDiscardKeepThePoison) {
  ASSERT_EQ(write(sectors(0, 3), 'a'), 0);
  poison(sectors(1, 1));
  set_mode("zero=lie discard=lie");
  EXPECT_EQ(discard(sectors(0, 3)), 0);
  EXPECT_EQ(content(sectors(0, 1)), std::string(512, 'a'));
  EXPECT_EQ(zero(sectors(0, 3)), 0);
  EXPECT_EQ(content(sectors(0, 1)), std::string(512, '\0'));
  EXPECT_EQ(content(sectors(1, 1)).substr(0, 8), "POISONED");
  EXPECT_EQ(disk_->badblocks_text(), "1 1\n");
}

TEST_F(DiskTest, ZeroAndDiscardCureByDefault) {
  poison(sectors(0, 4));
  EXPECT_EQ(zero(sectors(0, 2)), 0);
  EXPECT_EQ(discard(sectors(2, 2)), 0);
  EXPECT_EQ(text_of(read(sectors(0, 4))), std::string(2048, '\0'));
}

TEST_F(DiskTest, PhantomReadsFineAndLeavesWithAWholeWrite) {
  ASSERT_EQ(write(sectors(4, 2), 'a'), 0);
  ASSERT_TRUE(disk_->edit({{ListEdit::Kind::kPhantom, sectors(4, 2)}}).has_value());
  EXPECT_EQ(text_of(read(sectors(4, 2))), std::string(1024, 'a'));
  EXPECT_EQ(disk_->badblocks_text(), "4 2\n");
  EXPECT_EQ(write({4 * 512 + 1, 511}, 'b'), 0);
  EXPECT_EQ(disk_->badblocks_text(), "4 2\n");
  EXPECT_EQ(write(sectors(4, 1), 'b'), 0);
  EXPECT_EQ(disk_->poison_text(), "5 1 phantom\n");
  EXPECT_EQ(zero(sectors(5, 1)), 0);
  EXPECT_EQ(disk_->poison_text(), "");
}

TEST_F(DiskTest, CuredPoisonReturnsAndScramblesAgain) {
  set_mode("write=clear recur=10");
  poison(sectors(3, 2));
  ASSERT_EQ(write(sectors(3, 2), 'a'), 0);
  EXPECT_EQ(disk_->poison_text(), "3 2 returns-in-10\n");
  EXPECT_THAT(pending_, ElementsAre(clock_.steady() + std::chrono::seconds(10)));
  clock_.advance(std::chrono::seconds(9));
  ASSERT_TRUE(disk_->bring_back_due().has_value());
  EXPECT_EQ(read(sectors(3, 2)).error, 0);
  clock_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(disk_->bring_back_due().has_value());
  EXPECT_EQ(read(sectors(3, 2)).error, EIO);
  EXPECT_EQ(content(sectors(4, 1)).substr(0, 8), "POISONED");
  EXPECT_EQ(list_changes_, 3);
}

TEST_F(DiskTest, ErasedPoisonDoesNotReturn) {
  set_mode("recur=10");
  poison(sectors(3, 1));
  ASSERT_TRUE(disk_->edit({{ListEdit::Kind::kRemove, sectors(3, 1)}}).has_value());
  EXPECT_FALSE(disk_->next_return().has_value());
}

TEST_F(DiskTest, EverythingSurvivesAKill) {
  set_mode("write=clear recur=10 read=short");
  poison(sectors(3, 2));
  ASSERT_TRUE(disk_->edit({{ListEdit::Kind::kPhantom, sectors(9, 1)}}).has_value());
  ASSERT_EQ(write(sectors(4, 1), 'a'), 0);
  const Mode mode = disk_->mode();
  clock_.advance(std::chrono::seconds(4));
  restart();
  EXPECT_EQ(disk_->mode(), mode);
  EXPECT_EQ(disk_->poison_text(), "3 1 poison\n4 1 returns-in-6\n9 1 phantom\n");
  EXPECT_EQ(last_record().range, sectors(4, 1));
}

TEST_F(DiskTest, SilentModeChangesTheListWithoutAWord) {
  set_mode("silent=1");
  poison(sectors(3, 1));
  EXPECT_EQ(disk_->badblocks_text(), "3 1\n");
  EXPECT_EQ(list_changes_, 0);
}

TEST_F(DiskTest, PoisoningTwiceIsOneChange) {
  poison(sectors(3, 1));
  poison(sectors(3, 1));
  EXPECT_EQ(list_changes_, 1);
}

TEST_F(DiskTest, ListModesChangeTheTextOnly) {
  poison(sectors(9, 1));
  set_mode("list-unit=8");
  EXPECT_EQ(disk_->badblocks_text(), "8 8\n");
  EXPECT_EQ(disk_->poison_text(), "9 1 poison\n");
  EXPECT_EQ(read(sectors(8, 1)).error, 0);
}

TEST_F(DiskTest, ShortReadEndsBeforeThePoison) {
  ASSERT_EQ(write(sectors(0, 2), 'a'), 0);
  poison(sectors(1, 1));
  set_mode("read=short");
  EXPECT_EQ(text_of(read({100, 900})), std::string(412, 'a'));
  EXPECT_EQ(read({512, 1}).error, EIO);
}

TEST_F(DiskTest, EveryChangingRequestIsInTheTraceAndReadsAreNot) {
  ASSERT_EQ(write({10, 4}, 'a'), 0);
  ASSERT_EQ(read({10, 4}).error, 0);
  ASSERT_EQ(zero(sectors(1, 1)), 0);
  ASSERT_EQ(discard(sectors(2, 1)), 0);
  EXPECT_EQ(disk_->refuse({Operation::kRead, {0, 1}, {}}).error, EIO);
  EXPECT_EQ(disk_->refuse({Operation::kZero, {0, 1}, {}}).error, EIO);
  const auto records = read_trace(state_directory_->trace_path()).value();
  ASSERT_EQ(records.size(), 4U);
  const std::string data = "aaaa";
  EXPECT_EQ(records[0].digest, digest(std::as_bytes(std::span(data))));
  EXPECT_EQ(records[0].range, (ByteRange{10, 4}));
  EXPECT_EQ(records[1].operation, Operation::kZero);
  EXPECT_EQ(records[2].operation, Operation::kDiscard);
  EXPECT_EQ(records[3].flags, kTraceRefused);
}

TEST_F(DiskTest, UnsavedCureFailsAndKeepsThePoison) {
  set_mode("write=clear");
  poison(sectors(1, 1));
  std::filesystem::create_directory(directory_ / "state" / "state.json.new");
  EXPECT_NE(write(sectors(1, 1), 'b'), 0);
  EXPECT_EQ(content(sectors(1, 1)).substr(0, 8), "POISONED");
  EXPECT_EQ(read(sectors(1, 1)).error, EIO);
  EXPECT_EQ(last_record().flags, kTraceBackingFailed);
  EXPECT_FALSE(disk_->edit({{ListEdit::Kind::kPoison, sectors(5, 1)}}).has_value());
  EXPECT_EQ(disk_->badblocks_text(), "1 1\n");
}

TEST_F(DiskTest, BadModeChangesNothing) {
  const Mode before = disk_->mode();
  EXPECT_FALSE(disk_->set_mode("write=lie write=nope").has_value());
  EXPECT_EQ(disk_->mode(), before);
}

// Every writer covers the same poisoned sector: one cures it, none may leave a mixture or a list that is wrong.
TEST_F(DiskTest, OverlappingWritesAreNotMixed) {
  set_mode("write=clear scramble=0");
  for (int round = 0; round < 20; ++round) {
    poison(sectors(8, 8));
    std::vector<std::thread> writers;
    for (char fill = 'a'; fill < 'e'; ++fill) {
      writers.emplace_back([this, fill] { EXPECT_EQ(write(sectors(0, 32), fill), 0); });
    }
    for (std::thread& writer : writers) {
      writer.join();
    }
    const std::string all = text_of(read(sectors(0, 32)));
    EXPECT_EQ(all, std::string(all.size(), all.front()));
    EXPECT_EQ(disk_->poison_text(), "");
  }
}

TEST_F(DiskTest, PoisonAndWritesAtTheSameTimeNeverGiveJunkAsData) {
  set_mode("write=clear");
  std::atomic<bool> done = false;
  std::thread injector([&] {
    for (int i = 0; i < 200; ++i) {
      poison(sectors(4, 1));
    }
    done = true;
  });
  while (!done) {
    EXPECT_EQ(write(sectors(4, 1), 'a'), 0);
    const Reply reply = read(sectors(4, 1));
    if (reply.error == 0) {
      EXPECT_THAT(text_of(reply), Each('a'));
    }
  }
  injector.join();
}

class ImageTest : public TemporaryDirectoryTest {};

TEST_F(ImageTest, IsMadeInWholeSectors) {
  for (const auto& [asked, made] : {std::pair{1U, 512U}, {512U, 512U}, {513U, 1024U}, {1048576U, 1048576U}}) {
    const std::string path = directory_ / std::to_string(asked);
    EXPECT_EQ(open_image(path, asked)->bytes, made);
    EXPECT_EQ(std::filesystem::file_size(path), made);
    EXPECT_EQ(open_image(path, std::nullopt)->bytes, made);
    EXPECT_EQ(open_image(path, asked)->bytes, made);
    EXPECT_FALSE(open_image(path, made + 1).has_value());
  }
}

TEST_F(ImageTest, ImpossibleOnesAreRefused) {
  for (const std::uint64_t bytes : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 63U}) {
    EXPECT_FALSE(open_image(directory_ / "new", bytes).has_value()) << bytes;
  }
  EXPECT_FALSE(std::filesystem::exists(directory_ / "new"));
  EXPECT_TRUE(open_image(directory_ / "missing", std::nullopt).error().is_errno(ENOENT));
  EXPECT_FALSE(open_image(directory_, 512).has_value());
  EXPECT_FALSE(open_image("/dev/null", 512).has_value());
  std::ofstream(directory_ / "odd") << "abc";
  EXPECT_FALSE(open_image(directory_ / "odd", std::nullopt).has_value());
  EXPECT_FALSE(open_image(directory_ / "odd", 3).has_value());
}

}  // namespace
}  // namespace pmend::medium
