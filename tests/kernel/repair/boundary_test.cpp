// SPDX-License-Identifier: Apache-2.0
// A repair killed at every boundary and taken up again, and a file changed at every boundary of its repair.
#include "kernel/kernel_test.hpp"
#include "kernel/mutation.hpp"
#include "kernel/repair/bench.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <fstream>

namespace pmend::world {
namespace {

using repair::JobKind;
using ::testing::AnyOf;
using ::testing::IsEmpty;

// The boundary at which all was looked at and nothing changed yet.
constexpr int kBeforeChange = 5;

// kInUse: cold, and open by somebody, so that only a freeze helps. kPunched: cold, and the rule names only `punch`.
enum class Cache { kCold, kWarm, kInUse, kPunched };

struct Kind {
  FsType fs;
  Cache cache;
};

std::string name_of(const Kind& kind) {
  const char* const methods[] = {"_rewrite", "_redirty", "_frozen", "_punch"};
  return (kind.fs == FsType::kXfs ? "xfs" : "ext4") + std::string(methods[static_cast<std::size_t>(kind.cache)]);
}

// A bench with one victim of 16 pages per run that a test makes.
class BoundaryBench {
 public:
  BoundaryBench(const Kind& kind, int victims) : kind_(kind), bench_(options(kind)) {
    for (int i = 0; i < victims; ++i) {
      bench_.world().tree().add_file("victim" + std::to_string(i), kVictimBytes);
    }
    bench_.world().settle();
    bench_.world().medium().set_mode("write=clear");
    if (kind.cache == Cache::kInUse) {
      bench_.methods = {Method::kFrozenWrite};
      bench_.freeze_limit = std::chrono::milliseconds(300);
    } else if (kind.cache == Cache::kPunched) {
      bench_.methods = {Method::kPunch};
    }
  }

  // Its block may be another one now.
  void take_moved(FileModel& file) {
    if (kind_.cache == Cache::kPunched) {
      file.extents = must(kernel::fiemap(must(open_file(bench_.world().tree().path(file), O_RDONLY)).get()));
    }
  }

  RepairBench& bench() { return bench_; }
  FileModel& victim(int number) { return bench_.file("victim" + std::to_string(number)); }

  // Poisons a victim and plans its repair.
  protocol::RepairRequest prepare(const FileModel& file) {
    user_.reset();
    bench_.close();
    if (kind_.cache == Cache::kWarm) {
      bench_.world().poison_cached(file, kVictimBad);
    } else {
      bench_.world().poison(file, kVictimBad);
    }
    if (kind_.cache == Cache::kInUse) {
      user_ = must(open_file(bench_.world().tree().path(file), O_RDONLY));
    }
    return bench_.repair_request(file, {kVictimBad});
  }

  // How many boundaries a run passes.
  int count(const protocol::RepairRequest& request) {
    const std::string log = bench_.world().directory() + "/boundaries";
    auto worker = bench_.start(request, JobKind::kRepair, {{"PMEND_BOUNDARY_LOG", log}});
    EXPECT_EQ(worker.wait_for_reply()->outcome, Outcome::kSucceeded);
    std::ifstream lines(log);
    int count = -1;  // one is its begin
    for (std::string line; std::getline(lines, line);) {
      count += line.starts_with("repair ") ? 1 : 0;
    }
    return count;
  }

  // Starts a repair that stops itself at its n-th boundary.
  RepairBench::Worker start_until(int n, const protocol::RepairRequest& request) {
    const std::string token = bench_.world().directory() + "/token";
    std::ofstream(token).flush();
    return bench_.start(request, JobKind::kRepair,
                        {{"PMEND_STOP_AT", "repair:" + std::to_string(n)}, {"PMEND_BOUNDARY_TOKEN", token}});
  }
  void kill_at(int n, const protocol::RepairRequest& request) {
    auto worker = start_until(n, request);
    EXPECT_TRUE(worker.wait_for_stop());
    worker.kill();
    EXPECT_FALSE(worker.wait_for_reply().has_value());
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
  UniqueFd user_;
};

class RepairBoundaries : public KernelTest, public ::testing::WithParamInterface<Kind> {};
class UserBoundaries : public RepairBoundaries {};

// What pmend does after a worker is gone: resume; if nothing had begun, the plan is carried out anew.
protocol::RepairReply converge(RepairBench& bench, const FileModel& file, const protocol::RepairRequest& request) {
  auto reply = bench.start(request, JobKind::kResume).wait_for_reply().value();
  if (reply.outcome == Outcome::kInterrupted) {
    reply = bench.start(bench.repair_request(file, {kVictimBad}), JobKind::kRepair).wait_for_reply().value();
  }
  return reply;
}

TEST_P(RepairBoundaries, KilledAtAnyItConvergesToTheSameBytes) {
  constexpr int kMost = 24;
  BoundaryBench world(GetParam(), kMost);
  RepairBench& bench = world.bench();
  FileModel& first = world.victim(0);
  const int boundaries = world.count(world.prepare(first));
  const bool loses = GetParam().cache != Cache::kWarm;
  if (loses) {
    first.zeros.insert(kVictimBad);
    world.take_moved(first);
  }
  ASSERT_GT(boundaries, 5);
  ASSERT_LT(boundaries, kMost);
  for (int n = 1; n <= boundaries; ++n) {
    SCOPED_TRACE(n);
    FileModel& file = world.victim(n);
    const auto request = world.prepare(file);
    world.kill_at(n, request);
    const auto reply = converge(bench, file, request);
    EXPECT_EQ(reply.outcome, Outcome::kSucceeded) << reply.reason;
    EXPECT_EQ(reply.manifest.lost.size(), loses ? 1U : 0U);
    bench.declare_lost(file, reply.manifest);
    world.take_moved(file);
    EXPECT_TRUE(repair::release_spool(bench.spool_directory(), request.spool_key).has_value());
  }
  if (GetParam().cache != Cache::kPunched) {  // else a bad block may be free space now
    EXPECT_THAT(bench.world().medium().poisoned(), IsEmpty());
  }
  EXPECT_THAT(bench.world().compare(), IsEmpty());
}

TEST_P(RepairBoundaries, ABlockThatWasClearedButNotWrittenIsFinishedFromTheSpool) {
  BoundaryBench world(GetParam(), 1);
  RepairBench& bench = world.bench();
  FileModel& file = world.victim(0);
  const auto request = world.prepare(file);
  // Killed just before its change; then the medium clears the sector without data: readable junk, a clean list.
  world.kill_at(kBeforeChange, request);
  bench.close();
  bench.world().fs().drop_caches();
  bench.world().medium().unpoison(bench.world().device_range(file, kVictimBad));
  const auto reply = bench.start(request, JobKind::kResume).wait_for_reply().value();
  EXPECT_EQ(reply.outcome, Outcome::kSucceeded) << reply.reason;
  bench.declare_lost(file, reply.manifest);
  world.take_moved(file);
  EXPECT_THAT(bench.world().compare(), IsEmpty());
}

TEST_P(RepairBoundaries, ABlockThatItsUserWroteAfterTheCrashIsNotOverwritten) {
  BoundaryBench world(GetParam(), 1);
  RepairBench& bench = world.bench();
  FileModel& file = world.victim(0);
  const auto request = world.prepare(file);
  world.kill_at(kBeforeChange, request);
  constexpr std::uint64_t kBadPage = kVictimBad.offset / kVictimPage * kVictimPage;
  const std::vector<std::byte> newer(kVictimPage, std::byte{'U'});
  {
    const UniqueFd fd = must(open_file(bench.world().tree().path(file), O_WRONLY));
    must(write_exactly(fd.get(), newer, kBadPage));
    must_call(fsync(fd.get()), "fsync");
  }
  file.patches[kBadPage] = newer;
  const auto reply = bench.start(request, JobKind::kResume).wait_for_reply().value();
  EXPECT_EQ(reply.outcome, Outcome::kIndeterminate) << reply.reason;
  EXPECT_THAT(bench.world().compare(), IsEmpty());
}

// Every mutation at boundaries that together are all, each on a file of its own.
void mutate_at_boundaries(const Kind& kind) {
  constexpr int kMost = 24;
  BoundaryBench world(kind, kMost * static_cast<int>(mutations().size()));
  RepairBench& bench = world.bench();
  const int boundaries = world.count(world.prepare(world.victim(0)));
  int next = 1;
  for (std::size_t nth = 0; nth < mutations().size(); ++nth) {
    const Mutation& mutation = mutations()[nth];
    for (const int n : boundaries_of(nth, boundaries)) {
      SCOPED_TRACE(std::string(mutation.name) + " at boundary " + std::to_string(n));
      FileModel& file = world.victim(next++);
      const std::string path = bench.world().tree().path(file);
      std::vector<std::byte> content(file.size);
      file.expected_bytes(content, 0);
      ExpectedBytes expected(content.begin(), content.end());
      auto worker = world.start_until(n, world.prepare(file));
      ASSERT_TRUE(worker.wait_for_stop());
      Change change(mutation, path);
      worker.resume();
      const auto reply = worker.wait_for_reply();
      ASSERT_TRUE(reply.has_value());
      if (kind.cache != Cache::kWarm) {
        std::fill_n(expected.begin() + kVictimBad.offset, kVictimBad.length, std::byte{0});
      }
      if (change.done()) {
        mutation.expect(expected);
      }
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

TEST_P(RepairBoundaries, WhateverItsUsersDoAtAnyNoWrongByteComesOfIt) {
  mutate_at_boundaries(GetParam());
}
TEST_P(UserBoundaries, WhateverItsUsersDoAtAnyNoWrongByteComesOfIt) {
  mutate_at_boundaries(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Kernel, RepairBoundaries,
                         ::testing::Values(Kind{FsType::kXfs, Cache::kCold}, Kind{FsType::kXfs, Cache::kWarm},
                                           Kind{FsType::kExt4, Cache::kCold}, Kind{FsType::kExt4, Cache::kWarm},
                                           Kind{FsType::kXfs, Cache::kPunched}, Kind{FsType::kExt4, Cache::kPunched}),
                         [](const auto& param_info) { return name_of(param_info.param); });
INSTANTIATE_TEST_SUITE_P(Frozen, UserBoundaries,
                         ::testing::Values(Kind{FsType::kXfs, Cache::kInUse}, Kind{FsType::kExt4, Cache::kInUse}),
                         [](const auto& param_info) { return name_of(param_info.param); });

}  // namespace
}  // namespace pmend::world
