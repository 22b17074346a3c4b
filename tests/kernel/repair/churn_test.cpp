// SPDX-License-Identifier: Apache-2.0
// Repairs of files that are truncated, punched, renamed, cloned and replaced all the time, so that a block that is
// being repaired may belong to another file a moment later.
#include "kernel/repair/exchange_world.hpp"
#include "support/content.hpp"
#include "support/must.hpp"
#include "support/seed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>

namespace pmend::world {
namespace {

constexpr std::size_t kChurned = 8;
constexpr std::uint64_t kChurnedBlocks = 16;
constexpr std::uint64_t kChurnedBlock = 4096;
constexpr std::uint64_t kChurnedBytes = kChurnedBlocks * kChurnedBlock;
constexpr int kRepairsByDefault = 16;
constexpr int kRepairsAtLength = 200;
constexpr int kAttempts = 20;

using Content = std::vector<std::byte>;

Content content_of(std::size_t file) {
  Content content(kChurnedBytes);
  fill_content(content, {.file = static_cast<std::uint32_t>(1000 + file), .generation = 1}, 0);
  return content;
}

void write_from(int fd, const Content& content, std::uint64_t offset) {
  must(write_exactly(fd, std::span(content).subspan(offset), offset));
}

// Each ends with the content that it began with. Whole blocks only, so that nothing bad has to be read.
void truncate_and_fill(const std::string& path, const Content& content) {
  const UniqueFd fd = must(open_file(path, O_RDWR));
  must_call(ftruncate(fd.get(), kChurnedBytes / 2), "ftruncate");
  write_from(fd.get(), content, kChurnedBytes / 2);
}

void punch_and_fill(const std::string& path, const Content& content) {
  const UniqueFd fd = must(open_file(path, O_RDWR));
  must_call(fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kChurnedBytes / 4), "punch");
  must(write_exactly(fd.get(), std::span(content).first(kChurnedBytes / 4), 0));
}

void rename_and_back(const std::string& path, const Content&) {
  const std::string other = path + ".moved";
  must_call(rename(path.c_str(), other.c_str()), "rename");
  must_call(rename(other.c_str(), path.c_str()), "rename");
}

void clone_and_write(const std::string& path, const Content& content) {
  const std::string other = path + ".clone";
  {
    const UniqueFd clone = must(open_file(other, O_RDWR | O_CREAT));
    const UniqueFd fd = must(open_file(path, O_RDWR));
    if (ioctl(clone.get(), FICLONE, fd.get()) == 0) {
      write_from(fd.get(), content, kChurnedBytes / 2);
    }
  }
  must_call(unlink(other.c_str()), "unlink");
}

void replace(const std::string& path, const Content& content) {
  const std::string other = path + ".new";
  write_from(must(open_file(other, O_RDWR | O_CREAT | O_TRUNC)).get(), content, 0);
  must_call(rename(other.c_str(), path.c_str()), "rename");
}

constexpr std::array kStrokes = {truncate_and_fill, punch_and_fill, rename_and_back, clone_and_write, replace};

std::string path_of(const std::string& directory, std::size_t file) {
  return directory + "/churned" + std::to_string(file);
}

// A process that does all that to all files until the file "stop" is there.
class Churn {
 public:
  explicit Churn(const std::string& directory) : directory_(directory), pid_(must_call(fork(), "fork")) {
    if (pid_ != 0) {
      return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::vector<Content> contents;
    for (std::size_t i = 0; i < kChurned; ++i) {
      contents.push_back(content_of(i));
    }
    try {
      for (std::size_t round = 0; access((directory + "/stop").c_str(), F_OK) < 0; ++round) {
        for (std::size_t i = 0; i < kChurned; ++i) {
          kStrokes.at((round + i) % kStrokes.size())(path_of(directory, i), contents.at(i));
          usleep(200);
        }
      }
      _exit(0);
    } catch (const Failure& failure) {
      std::fprintf(stderr, "churn: %s\n", failure.what());
      _exit(1);
    }
  }
  Churn(const Churn&) = delete;
  Churn& operator=(const Churn&) = delete;
  ~Churn() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      (void)waitpid(pid_, nullptr, 0);
    }
  }

  // Between two system calls.
  void pause() const {
    kill(pid_, SIGSTOP);
    must_call(waitpid(pid_, nullptr, WUNTRACED), "waitpid");
  }
  void go_on() const { kill(pid_, SIGCONT); }
  void end() {
    std::ofstream(directory_ + "/stop").flush();
    int status = 0;
    must_call(waitpid(std::exchange(pid_, 0), &status, 0), "waitpid");
    EXPECT_EQ(status, 0);
  }

 private:
  std::string directory_;
  pid_t pid_;
};

using RepairWay = std::pair<FsType, std::vector<Method>>;

class RepairUnderChurn : public KernelTest, public ::testing::WithParamInterface<RepairWay> {
 protected:
  static bool exchanges() { return GetParam().second.front() == Method::kExchange; }

  void SetUp() override {
    KernelTest::SetUp();
    if (const auto reason = exchange_unavailable(); reason && exchanges() && !IsSkipped()) {
      GTEST_SKIP() << *reason;
    }
    if (IsSkipped()) {
      return;
    }
    WorldOptions options;
    options.fs.type = GetParam().first;
    options.fs.exchange = exchanges();
    options.standard_files = false;
    bench_.emplace(options);
    world().settle();
    for (std::size_t i = 0; i < kChurned; ++i) {
      write_from(must(open_file(path_of(directory(), i), O_RDWR | O_CREAT)).get(), content_of(i), 0);
    }
    world().fs().sync();
    world().medium().set_mode("write=clear");
    bench_->allow(GetParam().second);
  }

  World& world() { return bench_->world(); }
  std::string directory() { return world().fs().mount_point(); }

  // A sector that the file has now, if it has one there; nobody changes the file meanwhile.
  std::optional<ByteRange> sector_of(std::size_t file, std::uint64_t offset) {
    const auto fd = open_file(path_of(directory(), file), O_RDONLY);
    if (!fd) {
      return std::nullopt;
    }
    for (const kernel::FileExtent& extent : must(kernel::fiemap(fd->get(), kernel::FiemapSync::kYes))) {
      if (extent.has_device_range() && !extent.is_unwritten() && extent.file_range().contains(offset)) {
        return ByteRange{extent.device_offset + (offset - extent.file_offset), 512};
      }
    }
    return std::nullopt;
  }

  void repair(std::size_t file, const ByteRange& bad) {
    refused_.clear();
    for (int attempt = 0; attempt < kAttempts && !world().medium().poisoned().empty(); ++attempt) {
      const repair::Place& place = bench_->place();
      const auto request = bench_->request_for({bad});
      const auto reply = request.owners.empty() ? protocol::PlanReply() : repair::plan_repair(place, request);
      if (!reply.plan) {
        refused_.push_back(reply.refusal ? reply.refusal->reason : "nobody is said to own it");
        bench_->tell_of_failed_writes();  // ext4 frees a block for good when its journal commits
        continue;
      }
      const auto told = bench_->run(bench_->repair_request(reply));
      for (const ManifestRange& lost : told.reply.manifest.lost) {
        lost_.at(file).insert({lost.file_offset.value_or(0), lost.device_range.length});
      }
      ends_[std::string(to_string(reply.plan->method)) + " " + std::string(to_string(told.reply.outcome))]++;
    }
  }

  // Every sector has its bytes, or is all zeros and was called lost.
  void expect_no_wrong_byte(std::size_t file) {
    const Content expected = content_of(file);
    Content found(kChurnedBytes);
    const UniqueFd fd = must(open_file(path_of(directory(), file), O_RDONLY));
    EXPECT_EQ(lseek(fd.get(), 0, SEEK_END), static_cast<off_t>(kChurnedBytes));
    must(read_exactly(fd.get(), found, 0));
    for (std::uint64_t at = 0; at < kChurnedBytes; at += 512) {
      const auto begin = static_cast<std::ptrdiff_t>(at);
      const auto sector = std::span(found).subspan(at, 512);
      const bool zeros = std::all_of(sector.begin(), sector.end(), [](std::byte byte) { return byte == std::byte{0}; });
      const bool same = std::equal(sector.begin(), sector.end(), expected.begin() + begin);
      EXPECT_TRUE(same || (zeros && lost_.at(file).covers({at, 512})))
          << "file " << file << " at " << at << (zeros ? ": zeros that no report calls lost" : ": wrong bytes");
    }
  }

  std::optional<RepairBench> bench_;
  std::array<RangeSet, kChurned> lost_;
  std::map<std::string, int> ends_;
  std::vector<std::string> refused_;  // why there was no plan, of the repair at hand
};

TEST_P(RepairUnderChurn, NoByteIsWrongAndNoneIsLostUnsaid) {
  Churn churn(directory());
  const int repairs = long_run() ? kRepairsAtLength : kRepairsByDefault;
  for (int i = 0; i < repairs; ++i) {
    const std::size_t file = static_cast<std::size_t>(i) % kChurned;
    const std::uint64_t offset = static_cast<std::uint64_t>(i * 7) % kChurnedBlocks * kChurnedBlock + 1024;
    churn.pause();
    const auto bad = sector_of(file, offset);
    if (bad) {
      world().medium().poison(*bad);
    }
    churn.go_on();
    if (bad) {
      repair(file, *bad);
      EXPECT_TRUE(world().medium().poisoned().empty())
          << "not repaired, and nobody has written there; no plan: " << ::testing::PrintToString(refused_);
      world().medium().unpoison(*bad);
    }
  }
  churn.end();
  bench_->close();
  world().fs().drop_caches();
  for (std::size_t i = 0; i < kChurned; ++i) {
    expect_no_wrong_byte(i);
  }
  for (const auto& [end, count] : ends_) {
    std::printf("%s %d; ", end.c_str(), count);
  }
  std::printf("\n");
}

INSTANTIATE_TEST_SUITE_P(
    Kernel, RepairUnderChurn,
    ::testing::Values(RepairWay(FsType::kXfs, {Method::kRedirty, Method::kRewrite, Method::kFrozenWrite}),
                      RepairWay(FsType::kXfs, {Method::kExchange, Method::kFrozenWrite}),
                      RepairWay(FsType::kExt4, {Method::kRedirty, Method::kRewrite, Method::kFrozenWrite}),
                      RepairWay(FsType::kExt4, {Method::kFrozenWrite})),
    [](const auto& param_info) {
      const bool exchanges = param_info.param.second.front() == Method::kExchange;
      const char* methods = exchanges ? "_exchange" : param_info.param.second.size() == 1 ? "_frozen" : "_any";
      return std::string(param_info.param.first == FsType::kXfs ? "xfs" : "ext4") + methods;
    });

}  // namespace
}  // namespace pmend::world
