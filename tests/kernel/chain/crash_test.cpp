// SPDX-License-Identifier: Apache-2.0
// kill -9 of any process at any boundary of any of them: it converges to the bytes and states of an unkilled run.
#include "kernel/chain/crash_rig.hpp"
#include "kernel/kernel_test.hpp"
#include "pmend/kernel/fiemap.hpp"
#include "pmend/repair/quarantine.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>

#include <chrono>
#include <iostream>

namespace pmend::world {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

constexpr int kMostKills = 250;
constexpr seconds kConvergeLimit{20};
constexpr int kMostRestarts = 2;

// Who is killed, by role; "itself" is the one that has stopped.
using Victims = std::set<std::string>;
const std::vector<std::pair<std::string, Victims>> kVictims = {{"itself", {}},
                                                               {"all", {"pmend", "observe", "repair", "listener"}},
                                                               {"pmend", {"pmend"}},
                                                               {"the observer", {"observe"}},
                                                               {"the worker", {"repair"}}};
constexpr std::size_t kVictimsByDefault = 2;

class Crash : public KernelTest {
 protected:
  // Poisons the next victim and starts pmend; what has to come of it is the same in every run.
  FileModel& begin(CrashRig& rig, const CrashRig::StopAt& stop_at) {
    FileModel& file = rig.poison_next();
    if (rig.kind().cache != Cache::kWarm) {
      file.zeros.insert(kVictimBad);
    }
    rig.start(stop_at);
    return file;
  }

  void expect_converged(CrashRig& rig, FileModel& file) {
    const json incident = rig.wait_for(
        file, [](const json& found) { return found.at("state") == "repaired"; }, kConvergeLimit);
    EXPECT_THAT(rig.incidents_of(file).value(), SizeIs(1));
    evicted_ = rig.was_evicted(incident);
    if (evicted_) {
      file.zeros.insert(kVictimBad);
    }
    EXPECT_EQ(rig.reported_loss(incident), file.zeros.total_bytes());
    EXPECT_EQ(rig.open_jobs(incident), "");
    EXPECT_THAT(rig.world().medium().poisoned(), IsEmpty());
    EXPECT_THAT(compare_content(rig.world().tree(), file), IsEmpty());
    if (rig.kind().exchange) {  // that is what it does
      file.extents = must(kernel::fiemap(must(open_file(rig.world().tree().path(file), O_RDONLY)).get()));
    }
  }

  using Boundaries = std::map<int, std::string>;

  // What a role passes when nobody is killed.
  Boundaries pass_undisturbed(CrashRig& rig, const std::string& role) {
    do {
      FileModel& file = begin(rig, {role, 0});
      EXPECT_EQ(rig.wait_for_stop(file), std::nullopt);
      expect_converged(rig, file);
    } while (evicted_ && !HasFailure());
    return rig.passed(role);
  }

  // Of two runs the shorter: how often something is told, and how many records come together in one commit, is chance.
  Boundaries boundaries_to_visit(CrashRig& rig, const std::string& role) {
    const Boundaries one = pass_undisturbed(rig, role);
    const Boundaries other = pass_undisturbed(rig, role);
    if (one != other) {
      std::cout << role << " passes not always the same: " << testing::PrintToString(one) << " and "
                << testing::PrintToString(other) << "\n";
    }
    return one.size() < other.size() ? one : other;
  }

  // Visits each boundary of a role, until a run passes all without coming to one of that number.
  void visit(CrashRig& rig, const std::string& role, const std::string& who, Victims victims) {
    const Boundaries expected = boundaries_to_visit(rig, role);
    ASSERT_FALSE(HasFailure());
    const auto begun = std::chrono::steady_clock::now();
    if (victims.empty()) {
      victims = {role == "ledger" ? "pmend" : role};
    }
    int n = 1;
    for (bool stopped = true; stopped && !HasFatalFailure(); ++n) {
      SCOPED_TRACE(name_of(rig.kind()) + ": " + role + ":" + std::to_string(n) + ", killed: " + who);
      stopped = stop_and_kill(rig, {role, n}, victims);
      n -= evicted_ ? 1 : 0;  // the same again
      stopped = stopped || evicted_;
    }
    const int visited = n - 2;
    EXPECT_GE(visited, static_cast<int>(expected.size()) - (role == "ledger" ? 4 : 0))
        << testing::PrintToString(expected) << ", and last " << testing::PrintToString(rig.passed(role));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    std::cout << name_of(rig.kind()) << ": " << role << ": " << visited << " boundaries, killed: " << who << ", "
              << took.count() / n << " s a run\n";
  }

  // False if the run passed without coming to that boundary.
  bool stop_and_kill(CrashRig& rig, const CrashRig::StopAt& stop_at, const Victims& victims) {
    FileModel& file = begin(rig, stop_at);
    const auto stopped = rig.wait_for_stop(file);
    if (stopped) {
      rig.kill_and_go_on(victims, stopped);
      rig.supervise();
      EXPECT_EQ(rig.restarts() > 0, victims.contains("pmend"));
    }
    expect_converged(rig, file);
    EXPECT_THAT(rig.restarts(), Le(kMostRestarts));
    return stopped.has_value();
  }

  void expect_all_is_well(CrashRig& rig) {
    EXPECT_THAT(rig.spools_left(), IsEmpty());
    rig.chain().pmend().kill();
    rig.chain().kill_workers();
    auto wrong = rig.world().compare();
    std::erase_if(wrong, [&rig](const Difference& difference) {  // where an exchange keeps its donors
      return rig.kind().exchange && difference.wrong == Wrong::kExtra && difference.path == repair::kQuarantineName;
    });
    EXPECT_THAT(wrong, IsEmpty());
  }

  // The kinds that a role is visited with: the first, or all with boundaries of its.
  static std::vector<Kind> kinds_for(const std::string& role, const Kind& first) {
    if (!is_long()) {
      return {first};
    }
    const std::vector<Kind> unused = {{FsType::kXfs, Cache::kCold},
                                      {FsType::kXfs, Cache::kWarm},
                                      {FsType::kExt4, Cache::kCold},
                                      {FsType::kExt4, Cache::kWarm}};
    const std::vector<Kind> frozen = {{FsType::kXfs, Cache::kInUse}, {FsType::kExt4, Cache::kInUse}};
    const std::vector<Kind> exchange = {{FsType::kXfs, Cache::kInUse, true}};
    if (role == "repair" || role == "guard" || role == "writer") {
      return first.exchange ? exchange : first.cache == Cache::kInUse ? frozen : unused;
    }
    std::vector<Kind> all = unused;
    all.insert(all.end(), frozen.begin(), frozen.end());
    if (!exchange_unavailable()) {
      all.insert(all.end(), exchange.begin(), exchange.end());
    }
    return all;
  }

  void visit_role(const std::string& role, const Kind& first, std::size_t victims = kVictimsByDefault) {
    for (const Kind& kind : kinds_for(role, first)) {
      CrashRig rig(kind, kMostKills);
      for (std::size_t i = 0; i < (is_long() ? kVictims.size() : victims); ++i) {
        visit(rig, role, kVictims[i].first, kVictims[i].second);
      }
      expect_all_is_well(rig);
    }
  }

  bool evicted_ = false;  // the last run had no page cache to use
};

TEST_F(Crash, AtEachBoundaryOfTheRepairWorkerThatLosesNothing) {
  visit_role("repair", {FsType::kExt4, Cache::kWarm});
}

TEST_F(Crash, AtEachBoundaryOfTheRepairWorkerThatLoses) {
  visit_role("repair", {FsType::kXfs, Cache::kCold});
}

TEST_F(Crash, AtEachBoundaryOfTheRepairWorkerThatFreezes) {
  visit_role("repair", {FsType::kXfs, Cache::kInUse}, 1);
}

TEST_F(Crash, AtEachBoundaryOfTheRepairWorkerThatExchanges) {
  if (const auto reason = exchange_unavailable()) {
    GTEST_SKIP() << *reason;
  }
  visit_role("repair", {FsType::kXfs, Cache::kInUse, true}, 1);
}

TEST_F(Crash, AtEachBoundaryOfTheGuard) {
  visit_role("guard", {FsType::kExt4, Cache::kInUse});
}

TEST_F(Crash, AtEachBoundaryOfTheWriter) {
  visit_role("writer", {FsType::kXfs, Cache::kInUse});
}

TEST_F(Crash, AtEachBoundaryOfTheObserver) {
  visit_role("observe", {FsType::kExt4, Cache::kCold});
}

TEST_F(Crash, AtEachBoundaryOfPmend) {
  visit_role("pmend", {FsType::kXfs, Cache::kWarm});
}

TEST_F(Crash, AtEachCommit) {
  visit_role("ledger", {FsType::kExt4, Cache::kWarm});
}

}  // namespace
}  // namespace pmend::world
