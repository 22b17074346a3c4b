// SPDX-License-Identifier: Apache-2.0
// An exchange killed at every boundary and taken up again, and a file in use that is changed at every boundary of it.
#include "kernel/mutation.hpp"
#include "kernel/repair/exchange_world.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace pmend::world {
namespace {

using repair::JobKind;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kMostBoundaries = 40;

enum class Owners { kOne, kTwo };

struct ExchangeKind {
  const char* mode;
  Owners owners;
};

std::string name_of(const ExchangeKind& kind) {
  return std::string(kind.mode) + (kind.owners == Owners::kTwo ? "_shared" : "");
}

// One victim per run; it has a twin that shares its blocks where there are two owners, else somebody has it open.
class ExchangeRuns {
 public:
  ExchangeRuns(const ExchangeKind& kind, int victims) : kind_(kind), bench_(exchange_world(false)) {
    for (int i = 0; i < victims; ++i) {
      FileModel& file = bench_.world().tree().add_file("victim" + std::to_string(i), kVictimBytes);
      if (kind.owners == Owners::kTwo) {
        bench_.world().tree().add_reflink(file, "twin" + std::to_string(i));
      }
    }
    bench_.world().settle();
    bench_.allow(exchange_methods());
    bench_.world().medium().set_mode(std::string("write=") + kind.mode);
  }

  RepairBench& bench() { return bench_; }
  FileModel& victim(int number) { return bench_.file("victim" + std::to_string(number)); }

  protocol::RepairRequest prepare(const FileModel& file) {
    user_.reset();
    bench_.close();
    bench_.world().poison(file, kVictimBad);
    if (kind_.owners == Owners::kOne) {
      user_ = must(open_file(bench_.world().tree().path(file), O_RDONLY));
    }
    return bench_.repair_request(file, {kVictimBad});
  }
  void let_go() { user_.reset(); }

  int count(const protocol::RepairRequest& request) {
    const std::string log = bench_.world().directory() + "/boundaries";
    auto worker = bench_.start(request, JobKind::kRepair, {{"PMEND_BOUNDARY_LOG", log}});
    EXPECT_EQ(worker.wait_for_reply()->outcome, Outcome::kSucceeded);
    std::ifstream lines(log);
    return static_cast<int>(std::count(std::istreambuf_iterator<char>(lines), {}, '\n')) - 1;  // one is its begin
  }

  RepairBench::Worker start_until(int n, const protocol::RepairRequest& request, JobKind job = JobKind::kRepair) {
    const std::string token = bench_.world().directory() + "/token";
    std::ofstream(token).flush();
    return bench_.start(request, job,
                        {{"PMEND_STOP_AT", "repair:" + std::to_string(n)}, {"PMEND_BOUNDARY_TOKEN", token}});
  }

  // What must be true of a victim and its twin once its job has ended.
  void take(int number, const protocol::RepairRequest& request) {
    take_exchange(bench_, request.plan);
    victim(number).zeros.insert(kVictimBad);
    if (kind_.owners == Owners::kTwo) {
      bench_.file("twin" + std::to_string(number)).zeros.insert(kVictimBad);
    }
  }

 private:
  ExchangeKind kind_;
  RepairBench bench_;
  UniqueFd user_;
};

class ExchangeBoundaries : public ExchangeTest, public ::testing::WithParamInterface<ExchangeKind> {};

TEST_P(ExchangeBoundaries, KilledAtAnyItConvergesToTheSameBytes) {
  ExchangeRuns runs(GetParam(), kMostBoundaries);
  RepairBench& bench = runs.bench();
  const auto first = runs.prepare(runs.victim(0));
  const int boundaries = runs.count(first);
  runs.take(0, first);
  ASSERT_GT(boundaries, 10);
  ASSERT_LT(boundaries, kMostBoundaries);
  for (int n = 1; n <= boundaries; ++n) {
    SCOPED_TRACE(n);
    auto request = runs.prepare(runs.victim(n));
    auto worker = runs.start_until(n, request);
    EXPECT_TRUE(worker.wait_for_stop());
    worker.kill();
    EXPECT_FALSE(worker.wait_for_reply().has_value());
    auto reply = bench.start(request, JobKind::kResume).wait_for_reply().value();
    if (reply.outcome == Outcome::kInterrupted) {  // nothing had begun
      request = bench.repair_request(runs.victim(n), {kVictimBad});
      reply = bench.start(request, JobKind::kRepair).wait_for_reply().value();
    }
    EXPECT_EQ(reply.outcome, Outcome::kSucceeded) << reply.reason;
    EXPECT_THAT(reply.manifest.lost, SizeIs(GetParam().owners == Owners::kTwo ? 2 : 1));
    runs.take(n, request);
    EXPECT_TRUE(repair::release_spool(bench.spool_directory(), request.spool_key).has_value());
  }
  runs.let_go();
  const bool clears = std::string(GetParam().mode) == "clear";
  EXPECT_THAT(quarantined(bench), SizeIs(clears ? 0 : boundaries + 1));
  EXPECT_THAT(wrong_beside_quarantine(bench), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernel, ExchangeBoundaries,
                         ::testing::Values(ExchangeKind{"clear", Owners::kOne}, ExchangeKind{"eio", Owners::kOne},
                                           ExchangeKind{"clear", Owners::kTwo}, ExchangeKind{"eio", Owners::kTwo}),
                         [](const auto& param_info) { return name_of(param_info.param); });

class ExchangeMutations : public ExchangeTest {};

TEST_F(ExchangeMutations, WhateverItsUsersDoAtAnyBoundaryNoWrongByteComesOfIt) {
  ExchangeRuns runs({"clear", Owners::kOne}, 1 + kMostBoundaries * static_cast<int>(mutations().size()));
  RepairBench& bench = runs.bench();
  const int boundaries = runs.count(runs.prepare(runs.victim(0)));
  int next = 1;
  for (std::size_t nth = 0; nth < mutations().size(); ++nth) {
    const Mutation& mutation = mutations()[nth];
    for (const int n : boundaries_of(nth, boundaries)) {
      SCOPED_TRACE(std::string(mutation.name) + " at boundary " + std::to_string(n));
      FileModel& file = runs.victim(next++);
      const std::string path = bench.world().tree().path(file);
      std::vector<std::byte> content(file.size);
      file.expected_bytes(content, 0);
      ExpectedBytes expected(content.begin(), content.end());
      auto worker = runs.start_until(n, runs.prepare(file));
      ASSERT_TRUE(worker.wait_for_stop());
      Change change(mutation, path);
      worker.resume();
      ASSERT_TRUE(worker.wait_for_reply().has_value());
      std::fill_n(expected.begin() + kVictimBad.offset, kVictimBad.length, std::byte{0});
      if (change.done()) {
        mutation.expect(expected);
      }
      if (!expected.empty()) {
        expect_content(path, expected);
      }
      bench.world().medium().unpoison({0, bench.world().medium().size_bytes()});
    }
  }
}

}  // namespace
}  // namespace pmend::world
