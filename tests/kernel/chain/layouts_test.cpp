// SPDX-License-Identifier: Apache-2.0
// Random files on random file systems, random sectors of them bad: whatever pmend does, no byte may be wrong, every
// lost byte must be in a report and no other.
#include "kernel/kernel_test.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/kernel/getfsmap.hpp"
#include "support/chain.hpp"
#include "support/kept_pages.hpp"
#include "support/must.hpp"
#include "support/seed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <thread>

namespace pmend::world {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;

constexpr std::uint64_t kBlock = 4096;
constexpr int kLayoutsPerWorld = 5;
constexpr std::size_t kMostRanges = 10;  // that go bad at once
constexpr int kQuietLooks = 4;
constexpr std::chrono::milliseconds kBetweenLooks{500};

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t bound) {
    return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(engine_);
  }
  bool one_in(std::uint64_t chances) { return below(chances) == 0; }

 private:
  std::mt19937_64 engine_;
};

FsOptions random_fs(Dice& dice, FsType type) {
  return {.type = type, .rmapbt = !dice.one_in(3), .reflink = type == FsType::kXfs && !dice.one_in(3)};
}

void add_random_file(Dice& dice, Tree& tree, const std::string& name, bool reflink) {
  const std::uint64_t size = 1 + dice.below(24 * kBlock);
  switch (dice.below(8)) {
    case 0:
      tree.add_fragmented_file(name, 1 + dice.below(40));
      return;
    case 1:
      tree.add_unwritten_file(name, (1 + size / kBlock) * kBlock);
      return;
    case 2:
      tree.add_sparse_file(name, 32 * kBlock, {{dice.below(16) * kBlock, (1 + dice.below(8)) * kBlock}});
      return;
    case 3:
      tree.add_hard_link(tree.add_file(name, size), "links/" + name);
      return;
    case 4: {
      const FileModel& file = tree.add_file(name, size);
      if (reflink) {
        const UniqueFd fd = must(open_file(tree.path(file), O_RDONLY));
        must_call(fsync(fd.get()), "fsync");
        tree.add_reflink(file, name + ".clone");
      }
      return;
    }
    default:
      tree.add_file(name, size);
  }
}

// Writes the bytes of a file over themselves and syncs, as fast as it can. Killed with its owner.
class BusyWriter {
 public:
  BusyWriter(const std::string& path, const FileModel& file) : pid_(must_call(fork(), "fork")) {
    if (pid_ != 0) {
      return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::vector<std::byte> content(file.size);
    file.expected_bytes(content, 0);
    const UniqueFd fd = must(open_file(path, O_RDWR));
    for (std::uint64_t at = 0;; at = (at + kBlock) % file.size) {
      must(write_exactly(fd.get(), std::span(content).subspan(at, kBlock), at));
      must_call(fdatasync(fd.get()), "fdatasync");
    }
  }
  BusyWriter(const BusyWriter&) = delete;
  BusyWriter& operator=(const BusyWriter&) = delete;
  ~BusyWriter() {
    kill(pid_, SIGKILL);
    (void)waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

// As repair_all_policy(), and with every method there is.
PolicyFile freeze_all_policy() {
  return {"10-all.json", R"({
    "rules": [{"name": "all", "then": {"action": "repair", "methods": ["redirty", "exchange", "rewrite", "frozen-write"]}}],
    "limits": {"repairs_per_hour": 1000000, "lost_bytes_per_day": 1000000000,
              "storm_incidents_per_hour": 1000000}})"};
}

// kFreezes: free space goes bad too, and somebody writes all the time.
enum class Freezes { kNo, kYes };

constexpr const char* kBusy = "busy";

// One world and its pmend, in which layout after layout goes bad. What stays bad stays so.
class Layouts {
 public:
  Layouts(Dice& dice, FsType type, Freezes freezes)
      : dice_(dice),
        freezes_(freezes),
        world_({.fs = random_fs(dice, type), .standard_files = false}),
        chain_({&world_}, {freezes == Freezes::kYes ? freeze_all_policy() : repair_all_policy()}) {
    if (freezes_ == Freezes::kYes) {
      busy_ = &world_.tree().add_file(kBusy, 16 * kBlock);
    }
    const std::uint64_t files = 20 + dice_.below(60);
    for (std::uint64_t i = 0; i < files; ++i) {
      add_random_file(dice_, world_.tree(), "file" + std::to_string(i), world_.fs().options().reflink);
    }
    world_.settle();
    world_.medium().set_mode(dice_.one_in(4) ? "write=eio" : "write=clear");
    chain_.start();
  }

  void run_one() {
    cached_.clear();
    world_.fs().drop_caches();
    read_some_files();
    RangeSet bad = random_sectors();
    if (freezes_ == Freezes::kYes) {
      add_free_sectors(bad);
    }
    if (bad.empty()) {
      return;
    }
    world_.medium().poison(bad.ranges());
    for (const ByteRange& range : bad.ranges()) {
      all_.insert(range);
    }
    {
      std::optional<BusyWriter> writer;
      if (busy_ != nullptr) {
        writer.emplace(world_.tree().path(*busy_), *busy_);
      }
      wait_until_settled(bad);
    }
    judge();
  }

 private:
  // Their pages are then in the page cache, so that nothing of them may be lost.
  void read_some_files() {
    for (const FileModel* file : world_.tree().files()) {
      if (dice_.one_in(3) && file->unreadable.empty() && file != busy_) {
        cached_.try_emplace(file, world_.tree().path(*file), file->size);
      }
    }
  }

  // Sectors of some files, none of a block that was bad before.
  RangeSet random_sectors() {
    RangeSet bad;
    for (const FileModel* file : world_.tree().files()) {
      if (!dice_.one_in(3) || file == busy_) {
        continue;
      }
      for (const kernel::FileExtent& extent : file->extents) {
        if (!extent.has_device_range() || bad.ranges().size() == kMostRanges || !dice_.one_in(3)) {
          continue;
        }
        const std::uint64_t sectors = extent.length / 512;
        const std::uint64_t first = dice_.below(sectors);
        const std::uint64_t count = 1 + dice_.below(std::min<std::uint64_t>(sectors - first, 20));
        const ByteRange range{extent.device_offset + first * 512, count * 512};
        if (!all_.overlaps(round_out(range, kBlock)) && !bad.overlaps(round_out(range, kBlock))) {
          bad.insert(range);
        }
      }
    }
    return bad;
  }

  void add_free_sectors(RangeSet& bad) {
    const UniqueFd root = must(open_file(world_.fs().mount_point(), O_RDONLY | O_DIRECTORY));
    for (const kernel::FsmapRecord& record : must(kernel::getfsmap(root.get(), {0, world_.medium().size_bytes()}))) {
      if (!record.is_free() || !dice_.one_in(3)) {
        continue;
      }
      const ByteRange sector{record.device_offset + dice_.below(record.length / 512) * 512, 512};
      if (!all_.overlaps(round_out(sector, kBlock))) {
        bad.insert(sector);
      }
    }
  }

  // Until each bad sector is in an incident about which nothing more will be done.
  void wait_until_settled(const RangeSet& bad) {
    static const std::set<std::string> settled{"repaired", "failed", "blocked", "held", "unresolved"};
    chain_.wait_until_all(world_.loop().node(), bad, settled, std::chrono::seconds(60));
  }

  // What the reports call lost that they did not before. Reported later may be what could not be repaired when it went
  // bad.
  RangeSet newly_lost() {
    const Reported reported = chain_.reported(world_.loop().node());
    RangeSet lost;
    for (const ByteRange& range : reported.lost.ranges()) {
      EXPECT_TRUE(all_.covers(range)) << "lost, but never bad: " << to_string(range);
      for (const ByteRange& part : lost_.missing(range)) {
        lost.insert(part);
      }
    }
    lost_ = reported.lost;
    return lost;
  }

  // Mounting anew is an occasion for pmend to look again at what it could not repair before: until it has come to its
  // end with that.
  void wait_until_quiet() {
    RangeSet poisoned(world_.medium().poisoned());
    for (int same = 0; same < kQuietLooks; ++same) {
      std::this_thread::sleep_for(kBetweenLooks);
      wait_until_settled(all_);
      if (RangeSet now(world_.medium().poisoned()); now != poisoned) {
        poisoned = now;
        same = 0;
      }
    }
  }

  void judge() {
    const RangeSet lost_now = newly_lost();
    expect_nothing_cached_is_lost(lost_now);
    world_.mark(lost_now, &FileModel::zeros);
    cached_.clear();
    (void)syncfs(
        must(open_file(world_.fs().mount_point(), O_RDONLY | O_DIRECTORY)).get());  // may tell of failed writes
    world_.fs().drop_caches();
    if (freezes_ == Freezes::kYes) {
      wait_until_quiet();
    }
    world_.mark(newly_lost(), &FileModel::zeros);
    for (FileModel* file : world_.tree().files()) {
      file->unreadable = {};
    }
    world_.mark(RangeSet(world_.medium().poisoned()), &FileModel::unreadable);
    std::vector<ByteRange> units;
    for (const kernel::FileExtent& extent : busy_ != nullptr ? busy_->extents : std::vector<kernel::FileExtent>()) {
      units.push_back(extent.device_range());
    }
    for (const ByteRange& range : all_.ranges()) {
      units.push_back(round_out(range, kBlock));
    }
    EXPECT_THAT(world_.stray_writes(units), IsEmpty());
    EXPECT_THAT(world_.compare(), IsEmpty()) << "with the reports of all repairs taken into account";
  }

  void expect_nothing_cached_is_lost(const RangeSet& lost) {
    for (const auto& [file, pages] : cached_) {
      for (const kernel::FileExtent& extent : file->extents) {
        if (extent.has_device_range()) {
          EXPECT_THAT(lost.common(extent.device_range()), IsEmpty()) << file->name() << " was in the page cache";
        }
      }
    }
  }

  Dice& dice_;
  Freezes freezes_;
  const FileModel* busy_ = nullptr;
  World world_;
  Chain chain_;
  RangeSet all_;   // all that was ever bad
  RangeSet lost_;  // of it, as far as the reports have said
  std::map<const FileModel*, KeptPages> cached_;
};

class ChainLayouts : public KernelTest, public ::testing::WithParamInterface<std::pair<FsType, Freezes>> {};

TEST_P(ChainLayouts, NoWrongByteAndEveryLostOneInAReport) {
  const auto& [type, freezes] = GetParam();
  const int layouts_by_default = freezes == Freezes::kYes ? 5 : 25;  // those take long: everybody waits for everybody
  const int worlds = (long_run() ? 500 : layouts_by_default) / kLayoutsPerWorld;
  Dice dice(test_seed() + (type == FsType::kXfs ? 0 : 1) + (freezes == Freezes::kYes ? 2 : 0));
  for (int i = 0; i < worlds && !HasFailure(); ++i) {
    SCOPED_TRACE("world " + std::to_string(i));
    Layouts layouts(dice, type, freezes);
    for (int n = 0; n < kLayoutsPerWorld; ++n) {
      SCOPED_TRACE("layout " + std::to_string(n));
      layouts.run_one();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernel, ChainLayouts,
                         ::testing::Values(std::pair(FsType::kXfs, Freezes::kNo),
                                           std::pair(FsType::kExt4, Freezes::kNo),
                                           std::pair(FsType::kXfs, Freezes::kYes),
                                           std::pair(FsType::kExt4, Freezes::kYes)),
                         [](const auto& param_info) {
                           const std::string fs = param_info.param.first == FsType::kXfs ? "xfs" : "ext4";
                           return fs + (param_info.param.second == Freezes::kYes ? "_freezes" : "");
                         });

}  // namespace
}  // namespace pmend::world
