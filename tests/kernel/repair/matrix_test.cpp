// SPDX-License-Identifier: Apache-2.0
// Every kind of file, cached and cold, on every kind of medium, planned and repaired without the daemon.
#include "kernel/kernel_test.hpp"
#include "kernel/repair/bench.hpp"
#include "pmend/model/range_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <algorithm>

namespace pmend::world {
namespace {

using ::testing::IsEmpty;

enum class CacheBefore { kCold, kWarm };

struct Victim {
  const char* name;
  ByteRange range;  // of the file, poisoned
};

const std::vector<Victim>& victims() {
  static const std::vector<Victim> all{
      {"dir0/plain0", {1024, 512}},         // one block
      {"dir3/plain3", {8192 + 512, 1024}},  // two sectors
      {"linked/second", {4096, 512}},       // hard links
      {"odd/new\nline", {0, 512}},          // odd names
      {"odd/not-utf8-\xFF\xC3", {4096 + 3584, 512}},
      {"sparse", {44 * 4096, 4096}},                // a whole block, holes in front
      {"fragmented", {2 * 100 * 4096 + 512, 512}},  // one extent of many
      {"owned", {512, 512}},                        // set-user-ID
      {"tagged", {4096, 512}},                      // extended attributes
  };
  return all;
}

FileModel& file_of(RepairBench& bench, const std::string& name) {
  for (FileModel* file : bench.world().tree().files()) {
    if (std::find(file->names.begin(), file->names.end(), name) != file->names.end()) {
      return *file;
    }
  }
  return bench.file(name);
}

struct stat stat_of(RepairBench& bench, const FileModel& file) {
  struct stat status = {};
  EXPECT_EQ(stat(bench.world().tree().path(file).c_str(), &status), 0);
  return status;
}

std::vector<ByteRange> unit_ranges(const Plan& plan) {
  std::vector<ByteRange> ranges;
  for (const PlannedUnit& planned : plan.units) {
    ranges.push_back(planned.unit.device_range);
  }
  return ranges;
}

class RepairMatrix : public KernelTest,
                     public ::testing::WithParamInterface<std::tuple<FsType, std::string, CacheBefore>> {
 protected:
  void poison(RepairBench& bench, const FileModel& file, const ByteRange& range) {
    if (std::get<CacheBefore>(GetParam()) == CacheBefore::kWarm) {
      bench.world().poison_cached(file, range);
    } else {
      bench.close();
      bench.world().poison(file, range);
    }
  }
  bool warm() const { return std::get<CacheBefore>(GetParam()) == CacheBefore::kWarm; }
};

TEST_P(RepairMatrix, HealsOrSaysHonestlyThatItCannot) {
  const std::string& mode = std::get<std::string>(GetParam());
  RepairBench bench(plain_world(std::get<FsType>(GetParam())));
  bench.world().medium().set_mode("write=" + mode);
  std::vector<ByteRange> units;
  for (const Victim& victim : victims()) {
    SCOPED_TRACE(victim.name);
    FileModel& file = file_of(bench, victim.name);
    poison(bench, file, victim.range);
    const struct stat before = stat_of(bench, file);
    const auto request = bench.repair_request(file, {victim.range});
    EXPECT_EQ(request.plan.method, warm() ? Method::kRedirty : Method::kRewrite);
    EXPECT_EQ(total_bytes(request.plan.lost), warm() ? 0 : victim.range.length);
    const auto told = bench.run(request);
    for (const ByteRange& unit : unit_ranges(request.plan)) {
      units.push_back(unit);
    }
    if (mode != "clear") {
      EXPECT_EQ(told.reply.outcome, Outcome::kPermanentFailure) << told.reply.reason;
      EXPECT_THAT(told.reply.manifest.lost, IsEmpty());
      file.unreadable.insert(victim.range);
      continue;
    }
    EXPECT_EQ(told.reply.outcome, Outcome::kSucceeded) << told.reply.reason;
    ASSERT_TRUE(told.reply.proof.has_value());
    EXPECT_EQ(told.reply.proof->extents_before, told.reply.proof->extents_after);
    EXPECT_EQ(stat_of(bench, file).st_mtim.tv_nsec == before.st_mtim.tv_nsec, warm());
    bench.declare_lost(file, told.reply.manifest);
  }
  if (mode == "clear") {
    EXPECT_THAT(bench.world().medium().poisoned(), IsEmpty());
  } else {
    bench.close();
    bench.tell_of_failed_writes();
    bench.world().fs().drop_caches();  // what the cache still had is gone, the bad sectors are not
  }
  EXPECT_THAT(bench.world().compare(), IsEmpty());
  EXPECT_THAT(bench.world().stray_writes(units), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernel, RepairMatrix,
                         ::testing::Combine(::testing::Values(FsType::kXfs, FsType::kExt4),
                                            ::testing::Values("eio", "clear", "lie"),
                                            ::testing::Values(CacheBefore::kCold, CacheBefore::kWarm)),
                         [](const auto& param_info) {
                           return std::string(std::get<FsType>(param_info.param) == FsType::kXfs ? "xfs" : "ext4") +
                                  "_" + std::get<std::string>(param_info.param) +
                                  (std::get<CacheBefore>(param_info.param) == CacheBefore::kWarm ? "_warm" : "_cold");
                         });

}  // namespace
}  // namespace pmend::world
