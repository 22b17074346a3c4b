// SPDX-License-Identifier: Apache-2.0
// Every kind of file, cached and cold, on a medium whose writes clear and on one whose writes fail, through the whole
// of pmend and all at once.
#include "kernel/kernel_test.hpp"
#include "support/chain.hpp"
#include "support/kept_pages.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <vector>

namespace pmend::world {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;

enum class Cache { kCold, kWarm };

struct Victim {
  const char* name;
  ByteRange range;  // of the file, poisoned
};

const std::vector<Victim>& victims() {
  static const std::vector<Victim> all{
      {"dir0/plain0", {1024, 512}},         // one block
      {"dir3/plain3", {8192 + 512, 1024}},  // two sectors
      {"linked/first", {4096, 512}},        // hard links
      {"odd/new\nline", {0, 512}},          // odd names
      {"odd/not-utf8-\xFF\xC3", {4096 + 3584, 512}},
      {"tail", {3 * 4096 + 512, 512}},              // the last block, not whole
      {"fragmented", {2 * 100 * 4096 + 512, 512}},  // one extent of many
      {"owned", {512, 512}},                        // set-user-ID
      {"tagged", {4096, 512}},                      // extended attributes
  };
  return all;
}

// What may be written: the bad sectors, and for the page cache its whole pages.
std::vector<ByteRange> units(const RangeSet& bad, Cache cache) {
  std::vector<ByteRange> ranges;
  for (const ByteRange& range : bad.ranges()) {
    ranges.push_back(cache == Cache::kWarm ? round_out(range, 4096) : range);
  }
  return ranges;
}

class ChainMatrix : public KernelTest, public ::testing::WithParamInterface<std::tuple<FsType, std::string, Cache>> {};

TEST_P(ChainMatrix, HealsOrSaysHonestlyThatItCannot) {
  const auto& [type, mode, cache] = GetParam();
  World world({.fs = {.type = type}});
  world.medium().set_mode("write=" + mode);
  Chain chain({&world}, {repair_all_policy()});
  chain.start();
  RangeSet bad;
  std::vector<std::unique_ptr<KeptPages>> kept;
  world.fs().drop_caches();
  for (const Victim& victim : victims()) {
    const FileModel& file = world.tree().file(victim.name);
    if (cache == Cache::kWarm) {
      kept.push_back(std::make_unique<KeptPages>(world.tree().path(file), file.size));
    }
    bad.insert(world.device_range(file, victim.range));
  }
  world.medium().poison(bad.ranges());

  const bool heals = mode == "clear";
  chain.wait_until_all(world.loop().node(), bad, {heals ? "repaired" : "failed"}, std::chrono::seconds(60));
  const Reported reported = chain.reported(world.loop().node());
  EXPECT_EQ(reported.lost, heals && cache == Cache::kCold ? bad : RangeSet());
  for (const json& incident : chain.incidents()) {
    EXPECT_EQ(incident.at("plan").at("method"), cache == Cache::kWarm ? "redirty" : "rewrite");
    EXPECT_EQ(incident.value("reason", "").empty(), heals) << incident.dump();
  }
  kept.clear();
  if (heals) {
    EXPECT_THAT(world.medium().poisoned(), IsEmpty());
  } else {
    world.mark(bad, &FileModel::unreadable);
    EXPECT_EQ(RangeSet(world.medium().poisoned()), bad);
    // The file system tells of failed writes once; what the cache still had then goes.
    (void)syncfs(must(open_file(world.fs().mount_point(), O_RDONLY | O_DIRECTORY)).get());
    world.fs().drop_caches();
  }
  world.mark(reported.lost, &FileModel::zeros);
  EXPECT_THAT(world.stray_writes(units(bad, cache)), IsEmpty());
  EXPECT_THAT(world.compare(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernel, ChainMatrix,
                         ::testing::Combine(::testing::Values(FsType::kXfs, FsType::kExt4),
                                            ::testing::Values("eio", "clear"),
                                            ::testing::Values(Cache::kCold, Cache::kWarm)),
                         [](const auto& param_info) {
                           return std::string(std::get<FsType>(param_info.param) == FsType::kXfs ? "xfs" : "ext4") +
                                  "_" + std::get<std::string>(param_info.param) +
                                  (std::get<Cache>(param_info.param) == Cache::kWarm ? "_warm" : "_cold");
                         });

}  // namespace
}  // namespace pmend::world
