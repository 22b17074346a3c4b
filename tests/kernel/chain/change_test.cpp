// SPDX-License-Identifier: Apache-2.0
// A file that its users change at any boundary between decision and proof: never a wrong byte, never a file grown anew.
#include "kernel/chain/crash_rig.hpp"
#include "kernel/kernel_test.hpp"
#include "support/must.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace pmend::world {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr seconds kLimit{20};
constexpr int kMostChanges = 400;

ExpectedBytes expected_bytes(const FileModel& file) {
  std::vector<std::byte> content(file.size);
  file.expected_bytes(content, 0);
  return {content.begin(), content.end()};
}

// Nothing more comes by itself. None of the methods reaches free space, nor an extent with several owners.
bool is_at_its_end(const json& incident) {
  const std::string state = incident.at("state");
  const json& owners = incident.at("owners");
  const bool out_of_reach = state == "blocked" && (owners.size() > 1 || owners.at(0).at("kind") == "free");
  return state == "repaired" || state == "cleared" || state == "held" || out_of_reach;
}

class ChangeTest : public KernelTest {
 protected:
  // Whatever was planned before, it ended as what is true now: repaired, gone, free space, shared, or held again.
  void expect_right(CrashRig& rig, const FileModel& file, const Mutation& mutation, bool changed) {
    const json incident = rig.wait_for(file, is_at_its_end, kLimit);
    const std::string state = incident.at("state");
    ExpectedBytes expected = expected_bytes(file);
    if (rig.kind().cache == Cache::kCold || rig.was_evicted(incident)) {
      // Zeros if pmend said so; else it is lost, and not by pmend.
      const bool said = state == "repaired" && rig.reported_loss(incident) > 0;
      const auto lost = said ? std::optional(std::byte{0}) : std::nullopt;
      std::fill_n(expected.begin() + kVictimBad.offset, kVictimBad.length, lost);
    }
    if (changed) {
      mutation.expect(expected);
    }
    if (!expected.empty()) {
      expect_content(rig.world().tree().path(file), expected);
    }
    if (state != "held") {
      EXPECT_EQ(rig.open_jobs(incident), "");
    }
    ++ends_[state];
    if (is_long() || state == "held") {
      std::cout << mutation.name << ": " << state << ", " << incident.at("reason") << "\n";
    }
  }

  // Stops at one boundary, changes the file, and goes on.
  void change_at(CrashRig& rig, const CrashRig::StopAt& stop_at, const Mutation& mutation) {
    const FileModel* file = nullptr;
    std::optional<pid_t> stopped;
    do {
      file = &rig.poison_next();
      rig.start(stop_at);
      stopped = rig.wait_for_stop(*file);
    } while (!stopped && rig.was_evicted(rig.wait_for(*file, is_at_its_end, kLimit)));
    ASSERT_TRUE(stopped.has_value());
    Change change(mutation, rig.world().tree().path(*file));
    rig.kill_and_go_on({}, stopped);
    const bool changed = change.done();
    if (mutation.frees && !is_long()) {
      rig.world().fs().sync();  // ext4 frees blocks when it commits; pmend would look again in 10 s
    }
    expect_right(rig, *file, mutation, changed);
    // What is still bad is not the business of the next run.
    rig.world().medium().unpoison({0, rig.world().medium().size_bytes()});
  }

  // The boundaries between decision and proof: all of the worker, and those of pmend while there is a plan and no end.
  std::vector<CrashRig::StopAt> boundaries(CrashRig& rig) {
    const FileModel& file = rig.poison_next();
    rig.start({"none", 0});
    EXPECT_EQ(rig.wait_for_stop(file), std::nullopt);
    std::vector<CrashRig::StopAt> all;
    for (const auto& [number, name] : rig.passed("repair")) {
      all.push_back({"repair", number});
    }
    bool planned = false;
    for (const auto& [number, name] : rig.passed("pmend")) {
      planned = (planned || name == "pmend: after plan") && name != "pmend: after release";
      if (planned) {
        all.push_back({"pmend", number});
      }
    }
    return all;
  }

  // Every change at every boundary; by default one of them at each, others with other kinds.
  void change_at_all(const Kind& kind, std::size_t shift) {
    CrashRig rig(kind, kMostChanges);
    const auto begun = std::chrono::steady_clock::now();
    int runs = 0;
    for (const CrashRig::StopAt& stop_at : boundaries(rig)) {
      for (std::size_t m = 0; m < mutations().size(); ++m) {
        if (!is_long() && (m + shift + static_cast<std::size_t>(stop_at.number)) % mutations().size() != 0) {
          continue;
        }
        SCOPED_TRACE(std::string(mutations()[m].name) + " at " + stop_at.role + ":" + std::to_string(stop_at.number));
        change_at(rig, stop_at, mutations()[m]);
        if (HasFatalFailure()) {
          return;
        }
        ++runs;
      }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    std::cout << name_of(kind) << ": " << runs << " runs, " << took.count() / runs << " s a run;";
    for (const auto& [state, count] : ends_) {
      std::cout << " " << state << " " << count;
    }
    std::cout << "\n";
  }

 private:
  std::map<std::string, int> ends_;
};

TEST_F(ChangeTest, OfAFileOnXfsWhoseRepairLoses) {
  change_at_all({FsType::kXfs, Cache::kCold}, 0);
}
TEST_F(ChangeTest, OfAFileOnXfsWhoseRepairLosesNothing) {
  change_at_all({FsType::kXfs, Cache::kWarm}, 2);
}
TEST_F(ChangeTest, OfAFileOnExt4WhoseRepairLoses) {
  change_at_all({FsType::kExt4, Cache::kCold}, 4);
}
TEST_F(ChangeTest, OfAFileOnExt4WhoseRepairLosesNothing) {
  change_at_all({FsType::kExt4, Cache::kWarm}, 6);
}

}  // namespace
}  // namespace pmend::world
