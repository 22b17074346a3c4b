// SPDX-License-Identifier: Apache-2.0
#include "kernel/kernel_test.hpp"
#include "kernel/worker/repair_rig.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <functional>

namespace pmend::world {
namespace {

using protocol::EventKind;
using protocol::Role;
using protocol::Verb;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// What `repair` says while a small file system with these options covers `directory`.
std::string said_with(const std::string& directory, const std::string& options,
                      const std::function<protocol::RepairReply()>& repair) {
  must_run({"mount", "-t", "tmpfs", "-o", options, "pmend-test", directory});
  std::string said;
  try {
    const protocol::RepairReply reply = repair();
    said = std::string(pmend::to_string(reply.outcome)) + ": " + reply.reason;
  } catch (const Failure& failure) {
    said = failure.what();
  }
  must_run({"umount", "-l", directory});
  return said;
}

class WorkerRepairTest : public KernelTest, public RepairRig, public ::testing::WithParamInterface<FsType> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (!IsSkipped()) {
      start({.fs = {.type = GetParam()}});
    }
  }
};

TEST_P(WorkerRepairTest, ColdSectorLosesExactlyItselfAndNothingMoves) {
  FileModel& file = world_->tree().file("linked/first");
  const ByteRange lost{8192 + 1536, 512};
  const ByteRange bad = world_->device_range(file, lost);
  world_->poison(file, lost);
  world_->mark_trace();
  const auto request = plan_for(bad);
  const auto reply = repair(request);
  EXPECT_EQ(reply.outcome, Outcome::kSucceeded) << reply.reason;
  ASSERT_THAT(reply.manifest.lost, SizeIs(1));
  EXPECT_EQ(reply.manifest.lost[0].device_range, bad);
  EXPECT_THAT(world_->medium().poisoned(), IsEmpty());
  EXPECT_THAT(world_->stray_writes(units_of(request)), IsEmpty());
  file.zeros.insert(lost);
  EXPECT_THAT(world_->compare(), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(service_->spool_dir()));
}

TEST_P(WorkerRepairTest, CachedSectorLosesNothing) {
  FileModel& file = world_->tree().file("dir0/plain14");
  world_->poison_cached(file, {4096, 512});
  world_->mark_trace();
  const auto request = plan_for(world_->device_range(file, {4096, 512}));
  EXPECT_EQ(request.plan.method, Method::kRedirty);
  EXPECT_THAT(request.plan.lost, IsEmpty());
  const auto reply = repair(request);
  EXPECT_EQ(reply.outcome, Outcome::kSucceeded) << reply.reason;
  EXPECT_THAT(reply.manifest.lost, IsEmpty());
  EXPECT_THAT(world_->medium().poisoned(), IsEmpty());
  EXPECT_THAT(world_->stray_writes(units_of(request)), IsEmpty());
  world_->fs().drop_caches();
  EXPECT_THAT(world_->compare(), IsEmpty());
}

TEST_P(WorkerRepairTest, LyingMediumIsNotBelieved) {
  FileModel& file = world_->tree().file("tail");
  world_->poison(file, {4096, 512});
  const auto request = plan_for(world_->device_range(file, {4096, 512}));
  world_->medium().set_mode("write=lie");
  const auto reply = repair(request);
  EXPECT_NE(reply.outcome, Outcome::kSucceeded);
  EXPECT_NE(reply.outcome, Outcome::kUnnecessary);
  file.unreadable.insert({4096, 512});
  EXPECT_THAT(world_->compare(), IsEmpty());
}

TEST_P(WorkerRepairTest, MediumThatRefusesWritesIsReportedAndNothingIsLost) {
  FileModel& file = world_->tree().file("tail");
  world_->poison(file, {4096, 512});
  world_->medium().set_mode("write=eio");
  const auto reply = repair(plan_for(world_->device_range(file, {4096, 512})));
  EXPECT_EQ(reply.outcome, Outcome::kPermanentFailure) << pmend::to_string(reply.outcome) << ": " << reply.reason;
  file.unreadable.insert({4096, 512});
  EXPECT_THAT(world_->compare(), IsEmpty());
}

TEST_P(WorkerRepairTest, NoStepIsTakenWithoutProceed) {
  FileModel& file = world_->tree().file("tail");
  world_->poison(file, {4096, 512});
  world_->mark_trace();
  {
    WorkerClient worker(*service_, Role::kRepair);
    worker.send(Verb::kRepair, to_json(plan_for(world_->device_range(file, {4096, 512}))));
    const Step intent = worker.event<Step>(EventKind::kStep);
    EXPECT_FALSE(intent.outcome.has_value());
    // The connection ends here: pmend died before the intent was durable.
  }
  EXPECT_THAT(world_->stray_writes({}), IsEmpty());
  file.unreadable.insert({4096, 512});
  EXPECT_THAT(world_->compare(), IsEmpty());
}

TEST_P(WorkerRepairTest, FileThatChangedSinceThePlanIsNotTouched) {
  FileModel& file = world_->tree().file("tail");
  world_->poison(file, {4096, 512});
  const auto request = plan_for(world_->device_range(file, {4096, 512}));
  must_call(truncate(world_->tree().path(file).c_str(), 4096), "truncate");
  world_->fs().sync();
  world_->mark_trace();
  const auto reply = repair(request);
  EXPECT_NE(reply.outcome, Outcome::kSucceeded);
  EXPECT_THAT(world_->stray_writes({}), IsEmpty());
}

TEST_P(WorkerRepairTest, SecondJobOnTheSameDeviceIsBusy) {
  FileModel& file = world_->tree().file("tail");
  world_->poison(file, {4096, 512});
  auto request = plan_for(world_->device_range(file, {4096, 512}));
  WorkerClient first(*service_, Role::kRepair);
  first.send(Verb::kRepair, to_json(request));
  first.event<Step>(EventKind::kStep);
  request.job = JobId{2};
  request.spool_key = "job-2";
  EXPECT_THROW(repair(request), Failure);
  const auto held = WorkerClient(*service_, Role::kRepair).ask_raw(Verb::kInspect, Json::object());
  EXPECT_THAT(must(from_json<protocol::InspectReply>(held)).locks, SizeIs(2));
}

TEST_P(WorkerRepairTest, WithoutRoomForTheSpoolOrALockNothingIsTouched) {
  FileModel& file = world_->tree().file("tail");
  const ByteRange lost{4096, 512};
  world_->poison(file, lost);
  const auto request = plan_for(world_->device_range(file, lost));
  world_->mark_trace();
  const std::string locks = world_->directory() + "/worker/run/locks";
  const auto try_it = [&] { return repair(request); };
  EXPECT_THAT(said_with(service_->spool_dir(), "mode=0700,nr_inodes=2", try_it), HasSubstr("No space left on device"));
  EXPECT_THAT(said_with(service_->spool_dir(), "mode=0700,ro", try_it), HasSubstr("Read-only file system"));
  EXPECT_THAT(said_with(locks, "mode=0700,ro", try_it), HasSubstr("Read-only file system"));
  EXPECT_THAT(world_->stray_writes({}), IsEmpty());
  file.unreadable.insert(lost);
  EXPECT_THAT(world_->compare(), IsEmpty());
  EXPECT_EQ(repair(request).outcome, Outcome::kSucceeded) << "once there is room again";
}

TEST_P(WorkerRepairTest, ForgedPlanIsRefused) {
  FileModel& file = world_->tree().file("tail");
  FileModel& victim = world_->tree().file("dir0/plain0");
  world_->poison(file, {4096, 512});
  auto request = plan_for(world_->device_range(file, {4096, 512}));
  // Another file's healthy block, with a hash that fits.
  const ByteRange healthy = world_->device_range(victim, {0, request.plan.units[0].unit.device_range.length});
  request.plan.units[0].unit.device_range = healthy;
  request.plan.units[0].mappings[0] = {{victim.inode, 0}, 0, healthy};
  request.plan.bad = {{healthy.offset, 512}};
  request.plan.lost = request.plan.bad;
  request.plan.salvageable = {};
  request.plan_hash = plan_hash(request.plan, kBasis);
  world_->mark_trace();
  try {
    EXPECT_NE(repair(request).outcome, Outcome::kSucceeded);
  } catch (const Failure&) {
    // Refused before it was looked at: as good.
  }
  EXPECT_THAT(world_->stray_writes({}), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernel, WorkerRepairTest, ::testing::Values(FsType::kXfs, FsType::kExt4),
                         [](const auto& param_info) { return to_string(FsOptions{.type = param_info.param}); });

}  // namespace
}  // namespace pmend::world
