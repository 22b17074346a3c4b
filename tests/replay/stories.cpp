// SPDX-License-Identifier: Apache-2.0
#include "stories.hpp"

#include "../unit/engine/world.hpp"
#include "pmend/ledger/ledger.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

namespace pmend::engine {
namespace {

using S = IncidentState;

constexpr ByteRange kStoryFile{1U << 20U, 1U << 20U};
constexpr ByteRange kSector{kStoryFile.offset + 40960, 512};

// A file of one megabyte with two names' worth of neighbours.
void furnish(World& world) {
  world.add_file(kStoryFile, 131, "/srv/a");
  world.add_file({kStoryFile.end(), 1U << 20U}, 132, "/srv/b\xff");
}

LedgerState remembered(const World& world) {
  std::string dir = testing::TempDir() + "pmend-stories-XXXXXX";
  EXPECT_NE(mkdtemp(dir.data()), nullptr);
  LedgerState state;
  {
    auto ledger = Ledger::open({dir, "11111111-2222-3333-4444-555555555555"});
    EXPECT_TRUE(ledger.has_value());
    EXPECT_TRUE(ledger->apply(world.records()).has_value());
    auto loaded = ledger->load({1000, WallTime{}});
    EXPECT_TRUE(loaded.has_value());
    state = std::move(*loaded);
  }
  std::filesystem::remove_all(dir);
  return state;
}

Story cold_sector_held_approved_repaired() {
  World world;
  furnish(world);
  world.spoil(kSector);
  world.start();
  world.settle();
  EXPECT_EQ(world.shown(1), S::kHeld);
  EXPECT_EQ(world.approve(1), std::nullopt);
  world.settle();
  EXPECT_EQ(world.shown(1), S::kRepaired);
  return {"cold-sector-held-approved-repaired", world.transcript()};
}

Story cached_sector_repaired_at_once() {
  World world;
  furnish(world);
  world.start();
  world.settle();
  world.spoil(kSector, true);
  world.say_list();
  world.settle();
  EXPECT_EQ(world.shown(1), S::kRepaired);
  return {"cached-sector-repaired-at-once", world.transcript()};
}

// 200 sectors over the border of two files: two incidents.
Story burst_of_200() {
  World world;
  furnish(world);
  world.start();
  world.settle();
  world.spoil({kStoryFile.end() - 100 * kSectorBytes, 200 * kSectorBytes});
  world.say_list();
  world.settle();
  EXPECT_EQ(world.cases().size(), 2U);
  EXPECT_EQ(world.approve(1), std::nullopt);
  EXPECT_EQ(world.approve(2), std::nullopt);
  world.settle();
  EXPECT_EQ(world.shown(1), S::kRepaired);
  EXPECT_EQ(world.shown(2), S::kRepaired);
  return {"burst-of-200", world.transcript()};
}

Story truncated_list() {
  World world;
  furnish(world);
  world.spoil(kSector);
  world.start();
  world.settle();
  world.mend(kSector);
  world.say_list(false);  // absence means nothing
  world.settle();
  EXPECT_EQ(world.shown(1), S::kHeld);
  world.say_list(true);
  world.settle();
  EXPECT_EQ(world.shown(1), S::kCleared);
  return {"truncated-list", world.transcript()};
}

Story lost_notification_and_rescan() {
  World world;
  furnish(world);
  world.start();
  world.settle();
  world.spoil(kSector);  // and nobody says so
  world.pass(std::chrono::hours(1));
  world.settle();
  EXPECT_TRUE(world.cases().empty());
  world.give(Gap{{"badblocks", "resumed from suspend", {}}});
  world.settle();
  EXPECT_EQ(world.shown(1), S::kHeld);
  world.spoil({kStoryFile.offset, 512});
  EXPECT_EQ(world.ask(OperatorVerb::kRescan), std::nullopt);
  world.settle();
  EXPECT_EQ(world.shown(2), S::kHeld);
  return {"lost-notification-and-rescan", world.transcript()};
}

std::vector<Story> killed_in_a_step() {
  World before;
  furnish(before);
  before.hold("proceed");
  before.spoil(kSector, true);
  before.start();
  before.settle();
  EXPECT_EQ(before.shown(1), S::kRepairing);

  World after;
  furnish(after);
  after.start(remembered(before));  // the write had cleared the entry: it must not be called cleared
  after.settle();
  EXPECT_EQ(after.shown(1), S::kRepaired);
  return {{"killed-in-a-step-1-before", before.transcript()}, {"killed-in-a-step-2-after", after.transcript()}};
}

Story stuck_worker() {
  World world;
  furnish(world);
  world.hold("proceed");
  world.spoil(kSector, true);
  world.start();
  world.settle();
  world.give(WorkerStuck{JobId{1}});
  world.spoil({kStoryFile.offset, 512}, true);
  world.say_list();
  world.settle();
  EXPECT_EQ(world.shown(1), S::kStuck);
  EXPECT_EQ(world.shown(2), S::kQueued);
  world.forget_open();
  world.kill_worker(JobId{1});
  world.let("proceed");
  world.settle();
  EXPECT_EQ(world.shown(1), S::kRepaired);
  EXPECT_EQ(world.shown(2), S::kRepaired);
  return {"stuck-worker", world.transcript()};
}

Story policy_reload() {
  World world;
  furnish(world);
  world.spoil(kSector);
  world.start();
  world.settle();
  EXPECT_EQ(world.ask(OperatorVerb::kPause), std::nullopt);
  EXPECT_EQ(world.approve(1), std::nullopt);
  world.load_policy(R"({"rules": [{"name": "ask", "then": {"action": "hold"}}]})");
  world.settle();
  EXPECT_EQ(world.shown(1), S::kHeld);  // the approval was of a plan under another policy
  EXPECT_EQ(world.ask(OperatorVerb::kResume), std::nullopt);
  world.load_policy(R"({"rules": [{"name": "all", "when": {"owner": "file"}, "then": {"action": "repair"}}]})");
  world.settle();
  EXPECT_EQ(world.shown(1), S::kRepaired);
  return {"policy-reload", world.transcript()};
}

Story record_failure() {
  World world;
  furnish(world);
  world.hold("record");
  world.spoil(kSector, true);
  world.start();
  world.settle();
  EXPECT_EQ(world.find(1)->state(), S::kRepairing);
  world.give(RecordFailed{3, "No space left on device"});
  world.settle();
  world.spoil({kStoryFile.offset, 512}, true);
  world.say_list();
  world.settle();
  EXPECT_EQ(world.shown(1), S::kBlocked);
  EXPECT_EQ(world.shown(2), S::kBlocked);
  EXPECT_TRUE(world.all<RunJob>().empty());
  return {"record-failure", world.transcript()};
}

Story recurrence() {
  World world;
  furnish(world);
  world.spoil(kSector, true);
  world.start();
  world.settle();
  EXPECT_EQ(world.shown(1), S::kRepaired);
  world.spoil(kSector, true);
  world.say_list();
  world.settle();
  EXPECT_EQ(world.shown(2), S::kHeld);
  return {"recurrence", world.transcript()};
}

// Three new errors within an hour are one too many: from there on a person has a say in each, until repairs go on.
Story errors_spread() {
  constexpr const char* kPolicy =
      R"({"rules": [{"name": "all", "when": {"owner": "file"}, "then": {"action": "repair"}}],
                                      "limits": {"storm_incidents_per_hour": 2}})";
  World world;
  furnish(world);
  world.start({}, kPolicy);
  for (std::uint64_t i = 0; i < 4; ++i) {
    world.spoil({kStoryFile.offset + i * 65536, 512}, true);
    world.say_list();
    world.settle();
  }
  EXPECT_EQ(world.shown(2), S::kRepaired);
  EXPECT_EQ(world.shown(3), S::kHeld);
  EXPECT_EQ(world.shown(4), S::kHeld);
  EXPECT_EQ(world.approve(3), std::nullopt);
  world.settle();
  EXPECT_EQ(world.shown(3), S::kRepaired);
  EXPECT_EQ(world.resume_device(), std::nullopt);
  world.settle();
  EXPECT_EQ(world.shown(4), S::kRepaired);
  return {"errors-spread", world.transcript()};
}

Story dismissed() {
  World world;
  furnish(world);
  world.spoil(kSector);
  world.start();
  world.settle();
  EXPECT_EQ(world.ask(OperatorVerb::kDismiss, 1), std::nullopt);
  world.say_list(false);
  world.settle();
  EXPECT_EQ(world.shown(1), S::kDismissed);
  world.mend(kSector);
  world.say_list();
  world.settle();
  EXPECT_EQ(world.shown(1), S::kCleared);
  return {"dismissed", world.transcript()};
}

Story file_in_use() {
  World world;
  furnish(world);
  world.spoil(kSector, true);
  world.next_error = protocol::ErrorCode::kBusy;
  world.start();
  world.settle();
  EXPECT_EQ(world.shown(1), S::kBlocked);
  world.pass(std::chrono::seconds(1));
  world.settle();
  EXPECT_EQ(world.shown(1), S::kRepaired);
  return {"file-in-use", world.transcript()};
}

}  // namespace

std::vector<Story> tell_stories() {
  std::vector<Story> stories = {cold_sector_held_approved_repaired(),
                                cached_sector_repaired_at_once(),
                                burst_of_200(),
                                truncated_list(),
                                lost_notification_and_rescan(),
                                stuck_worker(),
                                policy_reload(),
                                record_failure(),
                                recurrence(),
                                errors_spread(),
                                dismissed(),
                                file_in_use()};
  for (Story& story : killed_in_a_step()) {
    stories.push_back(std::move(story));
  }
  return stories;
}

}  // namespace pmend::engine
