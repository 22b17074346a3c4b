// SPDX-License-Identifier: Apache-2.0
// Random files on random file systems, random sectors of them bad: whatever pmend does, no byte may be wrong, every
// lost byte must be in a report and no other.
#include "kernel/kernel_test.hpp"
#include "support/chain.hpp"
#include "support/must.hpp"
#include "support/seed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <random>
#include <set>

namespace pmend::world {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;

constexpr std::uint64_t kBlock = 4096;
constexpr int kLayoutsPerWorld = 5;
constexpr std::size_t kMostRanges = 10;  // that go bad at once

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

// All pages of a file, read and kept in the page cache: else the machine may drop them at any moment.
class KeptPages {
 public:
  explicit KeptPages(const std::string& path, std::uint64_t size) : size_(size) {
    const UniqueFd fd = must(open_file(path, O_RDONLY));
    data_ = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (data_ == MAP_FAILED || mlock(data_, size) < 0) {
      throw Failure(fail_errno("mlock " + path).value().message());
    }
  }
  KeptPages(const KeptPages&) = delete;
  KeptPages& operator=(const KeptPages&) = delete;
  ~KeptPages() { munmap(data_, size_); }

 private:
  void* data_;
  std::uint64_t size_;
};

// One world and its pmend, in which layout after layout goes bad. What stays bad stays so.
class Layouts {
 public:
  Layouts(Dice& dice, FsType type)
      : dice_(dice),
        world_({.fs = random_fs(dice, type), .standard_files = false}),
        chain_({&world_}, {repair_all_policy()}) {
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
    const RangeSet bad = random_sectors();
    if (bad.empty()) {
      return;
    }
    world_.medium().poison(bad.ranges());
    for (const ByteRange& range : bad.ranges()) {
      all_.insert(range);
    }
    wait_until_settled(bad);
    judge(bad);
  }

 private:
  // Their pages are then in the page cache, so that nothing of them may be lost.
  void read_some_files() {
    for (const FileModel* file : world_.tree().files()) {
      if (dice_.one_in(3) && file->unreadable.empty()) {
        cached_.try_emplace(file, world_.tree().path(*file), file->size);
      }
    }
  }

  // Sectors of some files, none of a block that was bad before.
  RangeSet random_sectors() {
    RangeSet bad;
    for (const FileModel* file : world_.tree().files()) {
      if (!dice_.one_in(3)) {
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

  // Until each bad sector is in an incident about which nothing more will be done.
  void wait_until_settled(const RangeSet& bad) {
    static const std::set<std::string> settled{"repaired", "failed", "blocked", "held", "unresolved"};
    chain_.wait_until_all(world_.loop().node(), bad, settled, std::chrono::seconds(60));
  }

  void judge(const RangeSet& bad) {
    const Reported reported = chain_.reported(world_.loop().node());
    for (const ByteRange& range : reported.lost.ranges()) {
      EXPECT_TRUE(all_.covers(range)) << "lost, but never bad: " << to_string(range);
    }
    RangeSet lost_now;
    for (const ByteRange& range : bad.ranges()) {
      for (const ByteRange& lost : reported.lost.common(range)) {
        lost_now.insert(lost);
      }
    }
    expect_nothing_cached_is_lost(lost_now);
    cached_.clear();
    world_.mark(lost_now, &FileModel::zeros);
    world_.mark(RangeSet(world_.medium().poisoned()), &FileModel::unreadable);
    (void)syncfs(
        must(open_file(world_.fs().mount_point(), O_RDONLY | O_DIRECTORY)).get());  // may tell of failed writes
    world_.fs().drop_caches();
    std::vector<ByteRange> units;
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
  World world_;
  Chain chain_;
  RangeSet all_;  // all that was ever bad
  std::map<const FileModel*, KeptPages> cached_;
};

class ChainLayouts : public KernelTest, public ::testing::WithParamInterface<FsType> {};

TEST_P(ChainLayouts, NoWrongByteAndEveryLostOneInAReport) {
  const int worlds = (long_run() ? 500 : 25) / kLayoutsPerWorld;
  Dice dice(test_seed() + (GetParam() == FsType::kXfs ? 0 : 1));
  for (int i = 0; i < worlds && !HasFailure(); ++i) {
    SCOPED_TRACE("world " + std::to_string(i));
    Layouts layouts(dice, GetParam());
    for (int n = 0; n < kLayoutsPerWorld; ++n) {
      SCOPED_TRACE("layout " + std::to_string(n));
      layouts.run_one();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernel, ChainLayouts, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return param_info.param == FsType::kXfs ? "xfs" : "ext4"; });

}  // namespace
}  // namespace pmend::world
