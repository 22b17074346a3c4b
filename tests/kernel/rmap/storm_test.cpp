// SPDX-License-Identifier: Apache-2.0
#include "kernel/rmap/extent_oracle.hpp"
#include "kernel/rmap/index_fixture.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <random>
#include <string>
#include <thread>

namespace pmend::rmap {
namespace {

constexpr int kFiles = 24;

// Creates, truncates, punches, renames and unlinks as fast as it can. Every step is whole under the lock, and nothing
// waits to be allocated after it: whoever has the lock sees a file system that stands still.
class Writer {
 public:
  Writer(std::string directory, std::uint64_t block_bytes) : directory_(std::move(directory)), block_(block_bytes) {
    std::filesystem::create_directories(directory_);
    thread_ = std::thread([this] { run(); });
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    end_ = true;
    thread_.join();
  }

  std::mutex& still() { return still_; }
  std::uint64_t steps() const { return steps_; }

 private:
  void run() {
    while (!end_) {
      {
        const std::lock_guard lock(still_);
        step();
      }
      ++steps_;
      std::this_thread::yield();
    }
  }

  std::string any_file() { return directory_ + "/" + std::to_string(random_() % kFiles); }

  void step() {
    const std::string path = any_file();
    const std::uint64_t kind = random_() % 6;
    if (kind == 0) {
      unlink(path.c_str());
    } else if (kind == 1) {
      std::rename(path.c_str(), any_file().c_str());
    } else {
      const auto file = open_file(path, O_WRONLY | O_CREAT, 0644);
      if (file) {
        change(file->get(), kind);
        fsync(file->get());
      }
    }
  }

  void change(int fd, std::uint64_t kind) {
    const auto at = static_cast<off_t>(random_() % 16 * block_);
    if (kind == 2) {
      [[maybe_unused]] const int cut = ftruncate(fd, at);
    } else if (kind == 3) {
      fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, static_cast<off_t>(block_ * 2));
    } else {
      const std::string data(block_ * (1 + random_() % 4), 'w');
      [[maybe_unused]] const auto written =
          write_exactly(fd, std::as_bytes(std::span(data)), static_cast<std::uint64_t>(at));
    }
  }

  std::string directory_;
  std::uint64_t block_;
  std::mt19937_64 random_{7};
  std::mutex still_;
  std::atomic<bool> end_{false};
  std::atomic<std::uint64_t> steps_{0};
  std::thread thread_;
};

class StormTest : public IndexTest {
 protected:
  // A block that one of the files has or had.
  std::uint64_t pick_block(const disk::BlockOwners& owners) {
    auto chosen = owners.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(random_() % owners.size()));
    return chosen->first;
  }

  // The one answer of a block, compared with what all files say while nothing moves.
  void check(const disk::BlockOwners& owners, std::uint64_t offset) {
    const auto answer = resolve({{offset, 512}});
    ASSERT_EQ(answer.size(), 1U);
    std::set<disk::BlockOwner> said;
    for (const Owner& owner : answer[0].owners) {
      if (owner.kind == OwnerKind::kFile) {
        said.insert({owner.file->inode, *owner.file_offset, false, owner.unwritten, owner.shared});
      }
    }
    const auto claimed = owners.find(offset);
    auto expected = claimed == owners.end() ? std::set<disk::BlockOwner>() : claimed->second;
    std::erase_if(expected, [](const disk::BlockOwner& owner) { return owner.directory; });
    ASSERT_EQ(said, expected) << answer[0].owners[0].detail;
  }

  std::mt19937_64 random_{11};
};

INSTANTIATE_TEST_SUITE_P(Kinds, StormTest, testing::ValuesIn(indexed_kinds()),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_P(StormTest, NoAnswerIsWrongWhileFilesChange) {
  Writer writer(at("storm"), GetParam().block_bytes);
  const auto end =
      std::chrono::steady_clock::now() + (long_run() ? std::chrono::seconds(120) : std::chrono::seconds(2));
  std::uint64_t checked = 0;
  disk::BlockOwners before;
  while (std::chrono::steady_clock::now() < end && !HasFatalFailure()) {
    // In the middle of it: whatever comes, it must come.
    if (!before.empty()) {
      resolve({{pick_block(before), 512}}, {protocol::Fact::kNames});
    }
    const std::lock_guard lock(writer.still());
    auto now = disk::ask_every_file(fs_->path(), GetParam().block_bytes);
    for (int i = 0; i < 4 && !before.empty() && !now.empty() && !HasFatalFailure(); ++i) {
      check(now, pick_block(i % 2 == 0 ? before : now));
      ++checked;
    }
    before = std::move(now);
  }
  EXPECT_GT(checked, 10U);
  EXPECT_GT(writer.steps(), 20U);
}

}  // namespace
}  // namespace pmend::rmap
