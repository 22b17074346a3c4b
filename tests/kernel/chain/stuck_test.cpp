// SPDX-License-Identifier: Apache-2.0
// A repair worker that nobody can stop: its write may still land, so nothing else is written on its file system.
#include "kernel/chain/crash_rig.hpp"
#include "kernel/kernel_test.hpp"
#include "medium/trace_reader.hpp"
#include "support/must.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace pmend::world {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr seconds kStuckLimit{40};

auto in_state(const std::string& state) {
  return [state](const json& incident) { return incident.at("state") == state; };
}

class Stuck : public KernelTest, public ::testing::WithParamInterface<Kind> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (!IsSkipped()) {
      rig_ = std::make_unique<CrashRig>(GetParam(), 2);
      rig().chain().set_pmend_options({"--job-limit", "2"});
    }
  }

  CrashRig& rig() { return *rig_; }
  ByteRange bad_of(const FileModel& file) { return rig().world().device_range(file, kVictimBad); }
  FileModel& declare(FileModel& file) {
    if (GetParam().cache == Cache::kCold) {
      file.zeros.insert(kVictimBad);
    }
    return file;
  }

  // For a while, nothing is written where `file` is bad.
  void expect_untouched(const FileModel& file) {
    std::this_thread::sleep_for(seconds(2));
    const ByteRange page = round_out(bad_of(file), kVictimPage);
    const auto trace = must(medium::read_trace(rig().world().medium().trace_path(), trace_begin_));
    EXPECT_TRUE(std::none_of(trace.begin(), trace.end(),
                             [&](const medium::TraceRecord& record) { return record.range.overlaps(page); }));
    EXPECT_THAT(rig().world().medium().poisoned(), Contains(bad_of(file)));
  }

  std::size_t trace_begin_ = 0;

 private:
  std::unique_ptr<CrashRig> rig_;
};

TEST_P(Stuck, NothingElseIsWrittenOnItsFileSystemUntilItIsGone) {
  FileModel& first = declare(rig().poison_next());
  Medium& medium = rig().world().medium();
  trace_begin_ = must(medium::read_trace(medium.trace_path())).size();
  const ByteRange page = round_out(bad_of(first), kVictimPage);
  medium.gate("hold write " + std::to_string(page.offset) + " " + std::to_string(page.length));
  rig().start({"none", 0});
  ASSERT_TRUE(medium.wait_for_parked(kStuckLimit));
  FileModel& second = declare(rig().poison_one_more());
  rig().wait_for(second, in_state("queued"), kStuckLimit);
  rig().kill_and_go_on({"repair"}, std::nullopt);
  const json stuck = rig().wait_for(first, in_state("stuck"), kStuckLimit);
  EXPECT_THAT(stuck.at("reason").get<std::string>(), HasSubstr("its write may still land"));
  expect_untouched(second);
  rig().kill_and_go_on({"pmend"}, std::nullopt);
  rig().wait_for(first, in_state("stuck"), kStuckLimit);
  rig().wait_for(second, in_state("queued"), kStuckLimit);
  expect_untouched(second);
  medium.gate("release");
  for (FileModel* file : {&first, &second}) {
    const json repaired = rig().wait_for(*file, in_state("repaired"), kStuckLimit);
    // The page may be gone by the time that the write may begin.
    const bool is_lost = GetParam().cache == Cache::kCold || rig().was_evicted(repaired);
    if (is_lost) {
      file->zeros.insert(kVictimBad);
    }
    EXPECT_EQ(rig().reported_loss(repaired), is_lost ? kVictimBad.length : 0)
        << rig().everything_said() << repaired.dump();
    EXPECT_EQ(rig().open_jobs(repaired), "") << rig().everything_said();
  }
  EXPECT_EQ(rig().restarts(), 1);
  rig().chain().pmend().kill();
  rig().chain().kill_workers();
  EXPECT_THAT(medium.poisoned(), IsEmpty());
  EXPECT_THAT(rig().world().compare(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernel, Stuck,
                         ::testing::Values(Kind{FsType::kXfs, Cache::kCold}, Kind{FsType::kExt4, Cache::kWarm}),
                         [](const auto& param_info) { return name_of(param_info.param); });

}  // namespace
}  // namespace pmend::world
