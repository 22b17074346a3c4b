// SPDX-License-Identifier: Apache-2.0
// A repair killed at every boundary and taken up again, and a file changed at every boundary of its repair.
#include "kernel/kernel_test.hpp"
#include "kernel/repair/bench.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

namespace pmend::world {
namespace {

using repair::JobKind;
using ::testing::AnyOf;
using ::testing::IsEmpty;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kPages = 16;
constexpr std::uint64_t kBad = 9 * kPage + 1024;  // the sector that is poisoned, in each victim

// The boundary at which all was looked at and nothing changed yet.
constexpr const char* kBeforeChange = "5";

enum class Cache { kCold, kWarm };

struct Kind {
  FsType fs;
  Cache cache;
};

std::string name_of(const Kind& kind) {
  return std::string(kind.fs == FsType::kXfs ? "xfs" : "ext4") + (kind.cache == Cache::kWarm ? "_redirty" : "_rewrite");
}

// A bench with one victim of 16 pages per run that a test makes.
class BoundaryBench {
 public:
  BoundaryBench(const Kind& kind, int victims) : kind_(kind), bench_(options(kind)) {
    for (int i = 0; i < victims; ++i) {
      bench_.world().tree().add_file("victim" + std::to_string(i), kPages * kPage);
    }
    bench_.world().settle();
    bench_.world().medium().set_mode("write=clear");
  }

  RepairBench& bench() { return bench_; }
  FileModel& victim(int number) { return bench_.file("victim" + std::to_string(number)); }

  // Poisons a victim and plans its repair.
  protocol::RepairRequest prepare(const FileModel& file) {
    bench_.close();
    if (kind_.cache == Cache::kWarm) {
      bench_.world().poison_cached(file, {kBad, 512});
    } else {
      bench_.world().poison(file, {kBad, 512});
    }
    return bench_.repair_request(file, {{kBad, 512}});
  }

  // How many boundaries a run passes.
  int count(const protocol::RepairRequest& request) {
    const std::string log = bench_.world().directory() + "/boundaries";
    auto worker = bench_.start(request, JobKind::kRepair, {{"PMEND_BOUNDARY_LOG", log}});
    EXPECT_EQ(worker.wait_for_reply()->outcome, Outcome::kSucceeded);
    std::ifstream lines(log);
    return static_cast<int>(std::count(std::istreambuf_iterator<char>(lines), {}, '\n'));
  }

 private:
  static WorldOptions options(const Kind& kind) {
    WorldOptions options;
    options.fs.type = kind.fs;
    options.standard_files = false;
    return options;
  }

  Kind kind_;
  RepairBench bench_;
};

class RepairBoundaries : public KernelTest, public ::testing::WithParamInterface<Kind> {};

// What pmend does after a worker is gone: resume; if nothing had begun, the plan is carried out anew.
protocol::RepairReply converge(RepairBench& bench, const FileModel& file, const protocol::RepairRequest& request) {
  auto reply = bench.start(request, JobKind::kResume).wait_for_reply().value();
  if (reply.outcome == Outcome::kInterrupted) {
    reply = bench.start(bench.repair_request(file, {{kBad, 512}}), JobKind::kRepair).wait_for_reply().value();
  }
  return reply;
}

TEST_P(RepairBoundaries, KilledAtAnyItConvergesToTheSameBytes) {
  constexpr int kMost = 24;
  BoundaryBench world(GetParam(), kMost);
  RepairBench& bench = world.bench();
  FileModel& first = world.victim(0);
  const int boundaries = world.count(world.prepare(first));
  if (GetParam().cache == Cache::kCold) {
    first.zeros.insert({kBad, 512});
  }
  ASSERT_GT(boundaries, 5);
  ASSERT_LT(boundaries, kMost);
  for (int n = 1; n <= boundaries; ++n) {
    SCOPED_TRACE(n);
    FileModel& file = world.victim(n);
    const auto request = world.prepare(file);
    auto worker = bench.start(request, JobKind::kRepair, {{"PMEND_KILL_AT", std::to_string(n)}});
    EXPECT_FALSE(worker.wait_for_reply().has_value());
    const auto reply = converge(bench, file, request);
    EXPECT_EQ(reply.outcome, Outcome::kSucceeded) << reply.reason;
    EXPECT_EQ(reply.manifest.lost.size(), GetParam().cache == Cache::kCold ? 1U : 0U);
    bench.declare_lost(file, reply.manifest);
    EXPECT_TRUE(repair::release_spool(bench.spool_directory(), request.spool_key).has_value());
  }
  EXPECT_THAT(bench.world().medium().poisoned(), IsEmpty());
  EXPECT_THAT(bench.world().compare(), IsEmpty());
}

TEST_P(RepairBoundaries, ABlockThatWasClearedButNotWrittenIsFinishedFromTheSpool) {
  BoundaryBench world(GetParam(), 1);
  RepairBench& bench = world.bench();
  FileModel& file = world.victim(0);
  const auto request = world.prepare(file);
  // Killed just before its change; then the medium clears the sector without data: readable junk, a clean list.
  auto worker = bench.start(request, JobKind::kRepair, {{"PMEND_KILL_AT", kBeforeChange}});
  EXPECT_FALSE(worker.wait_for_reply().has_value());
  bench.close();
  bench.world().fs().drop_caches();
  bench.world().medium().unpoison(bench.world().device_range(file, {kBad, 512}));
  const auto reply = bench.start(request, JobKind::kResume).wait_for_reply().value();
  EXPECT_EQ(reply.outcome, Outcome::kSucceeded) << reply.reason;
  bench.declare_lost(file, reply.manifest);
  EXPECT_THAT(bench.world().compare(), IsEmpty());
}

TEST_P(RepairBoundaries, ABlockThatItsUserWroteAfterTheCrashIsNotOverwritten) {
  BoundaryBench world(GetParam(), 1);
  RepairBench& bench = world.bench();
  FileModel& file = world.victim(0);
  const auto request = world.prepare(file);
  auto worker = bench.start(request, JobKind::kRepair, {{"PMEND_KILL_AT", kBeforeChange}});
  EXPECT_FALSE(worker.wait_for_reply().has_value());
  const std::vector<std::byte> newer(kPage, std::byte{'U'});
  {
    const UniqueFd fd = must(open_file(bench.world().tree().path(file), O_WRONLY));
    must(write_exactly(fd.get(), newer, kBad / kPage * kPage));
    must_call(fsync(fd.get()), "fsync");
  }
  file.patches[kBad / kPage * kPage] = newer;
  const auto reply = bench.start(request, JobKind::kResume).wait_for_reply().value();
  EXPECT_EQ(reply.outcome, Outcome::kIndeterminate) << reply.reason;
  EXPECT_THAT(bench.world().compare(), IsEmpty());
}

// Something that the file's users do to it. Runs in a process of its own: it may wait for the repair's lease, or die of
// the bad page.
struct Mutation {
  const char* name;
  void (*change)(const std::string& path);
  // What must be in the file afterwards; nothing for a byte of the bad sector whose loss is open.
  void (*expect)(std::vector<std::optional<std::byte>>& bytes, Cache cache);
};

constexpr std::uint64_t kBadPage = kBad / kPage * kPage;

int open_for_writing(const std::string& path) {
  return must(open_file(path, O_RDWR)).release();  // for the rest of a short process
}

void fill_bytes(std::vector<std::optional<std::byte>>& bytes, const ByteRange& range, char value) {
  for (std::uint64_t at = range.offset; at < range.end(); ++at) {
    bytes[at] = static_cast<std::byte>(value);
  }
}

const std::vector<Mutation>& mutations() {
  using Bytes = std::vector<std::optional<std::byte>>;
  static const std::vector<Mutation> all{
      {"truncated", [](const std::string& path) { must_call(truncate(path.c_str(), kBadPage), "truncate"); },
       [](Bytes& bytes, Cache) { bytes.resize(kBadPage); }},
      {"overwritten",
       [](const std::string& path) {
         const int fd = open_for_writing(path);
         must(write_exactly(fd, std::vector<std::byte>(kPage, std::byte{'W'}), kBadPage));
         must_call(fsync(fd), "fsync");
       },
       [](Bytes& bytes, Cache) {
         fill_bytes(bytes, {kBadPage, kPage}, 'W');
       }},
      {"written beside",
       [](const std::string& path) {
         const int fd = open_for_writing(path);
         must(write_exactly(fd, std::vector<std::byte>(100, std::byte{'B'}), kBadPage + kPage));
         must_call(fsync(fd), "fsync");
       },
       [](Bytes& bytes, Cache) {
         fill_bytes(bytes, {kBadPage + kPage, 100}, 'B');
       }},
      {"stored through a mapping",
       [](const std::string& path) {
         const int fd = open_for_writing(path);
         void* page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, kBadPage + kPage);
         std::memset(page, 'M', 64);
       },
       [](Bytes& bytes, Cache) {
         fill_bytes(bytes, {kBadPage + kPage, 64}, 'M');
       }},
      {"punched",
       [](const std::string& path) {
         must_call(fallocate(open_for_writing(path), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kBadPage, kPage),
                   "fallocate");
       },
       [](Bytes& bytes, Cache) {
         fill_bytes(bytes, {kBadPage, kPage}, 0);
       }},
      {"deleted", [](const std::string& path) { must_call(unlink(path.c_str()), "unlink"); },
       [](Bytes& bytes, Cache) { bytes.clear(); }},
      {"renamed over",
       [](const std::string& path) {
         const std::string other = path + ".new";
         const int fd = must(open_file(other, O_RDWR | O_CREAT)).release();
         must(write_exactly(fd, std::vector<std::byte>(kPages * kPage, std::byte{'O'}), 0));
         must_call(fsync(fd), "fsync");
         must_call(rename(other.c_str(), path.c_str()), "rename");
       },
       [](Bytes& bytes, Cache) {
         fill_bytes(bytes, {0, kPages * kPage}, 'O');
       }},
  };
  return all;
}

// Starts the change and gives it a moment: it is done, or it waits for the repair.
pid_t start_change(const Mutation& mutation, const std::string& path) {
  const pid_t pid = must_call(fork(), "fork");
  if (pid == 0) {
    mutation.change(path);
    _exit(0);
  }
  siginfo_t info{};
  for (int i = 0; i < 20 && info.si_pid == 0; ++i) {
    usleep(5000);
    must_call(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT), "waitid");
  }
  return pid;
}

// Compares with what the file must hold; a sector that is still bad may fail to be read.
void expect_content(const std::string& path, const std::vector<std::optional<std::byte>>& expected) {
  struct stat status = {};
  must_call(stat(path.c_str(), &status), "stat");
  ASSERT_EQ(static_cast<std::uint64_t>(status.st_size), expected.size());
  const UniqueFd fd = must(open_file(path, O_RDONLY));
  (void)posix_fadvise(fd.get(), 0, 0, POSIX_FADV_RANDOM);
  for (std::uint64_t at = 0; at < expected.size(); at += kPage) {
    std::vector<std::byte> page(std::min(kPage, expected.size() - at));
    if (!read_exactly(fd.get(), page, at)) {
      EXPECT_EQ(at, kBadPage) << "only the bad page may be unreadable";
      continue;
    }
    for (std::size_t i = 0; i < page.size(); ++i) {
      if (expected[at + i]) {
        ASSERT_EQ(page[i], *expected[at + i]) << "byte " << at + i;
      }
    }
  }
}

TEST_P(RepairBoundaries, WhateverItsUsersDoAtAnyNoWrongByteComesOfIt) {
  constexpr int kMost = 24;
  BoundaryBench world(GetParam(), kMost * static_cast<int>(mutations().size()));
  RepairBench& bench = world.bench();
  const int boundaries = world.count(world.prepare(world.victim(0)));
  int next = 1;
  for (const Mutation& mutation : mutations()) {
    for (int n = 1; n <= boundaries; ++n) {
      SCOPED_TRACE(std::string(mutation.name) + " at boundary " + std::to_string(n));
      FileModel& file = world.victim(next++);
      const std::string path = bench.world().tree().path(file);
      std::vector<std::byte> content(file.size);
      file.expected_bytes(content, 0);
      std::vector<std::optional<std::byte>> expected(content.begin(), content.end());
      const auto request = world.prepare(file);
      auto worker = bench.start(request, JobKind::kRepair, {{"PMEND_STOP_AT", std::to_string(n)}});
      ASSERT_TRUE(worker.wait_for_stop());
      const pid_t changer = start_change(mutation, path);
      worker.resume();
      const auto reply = worker.wait_for_reply();
      int status = 0;
      must_call(waitpid(changer, &status, 0), "waitpid");
      ASSERT_TRUE(reply.has_value());
      EXPECT_EQ(status, 0);
      if (GetParam().cache == Cache::kCold) {
        for (std::uint64_t at = kBad; at < kBad + 512; ++at) {
          expected[at] = std::byte{0};
        }
      }
      mutation.expect(expected, GetParam().cache);
      if (!expected.empty()) {
        expect_content(path, expected);
      }
      if (reply->outcome == Outcome::kSucceeded) {
        EXPECT_TRUE(reply->proof.has_value());
      }
      bench.world().medium().unpoison({0, bench.world().medium().size_bytes()});
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernel, RepairBoundaries,
                         ::testing::Values(Kind{FsType::kXfs, Cache::kCold}, Kind{FsType::kXfs, Cache::kWarm},
                                           Kind{FsType::kExt4, Cache::kCold}, Kind{FsType::kExt4, Cache::kWarm}),
                         [](const auto& param_info) { return name_of(param_info.param); });

}  // namespace
}  // namespace pmend::world
