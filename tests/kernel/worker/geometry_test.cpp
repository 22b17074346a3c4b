// SPDX-License-Identifier: Apache-2.0
// Disks with logical blocks of 4096 bytes, and file systems in a partition of the disk whose list has the error.
#include "kernel/kernel_test.hpp"
#include "kernel/worker/repair_rig.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmend::world {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Geometry {
  const char* name;
  LoopOptions loop;
};

class WorkerGeometryTest : public KernelTest,
                           public RepairRig,
                           public ::testing::WithParamInterface<std::tuple<FsType, Geometry>> {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (!IsSkipped()) {
      start({.fs = {.type = std::get<FsType>(GetParam())}, .loop = loop()});
    }
  }

  const LoopOptions& loop() const { return std::get<Geometry>(GetParam()).loop; }
  // What one bad sector takes along: its logical block.
  ByteRange block_around(const ByteRange& range) const { return round_out(range, loop().block_bytes); }
};

constexpr ByteRange kBadOfFile{8192 + 1536, 512};

TEST_P(WorkerGeometryTest, TellsTheSizesOfItsBlocks) {
  EXPECT_EQ(device_.logical_block_size, loop().block_bytes);
  EXPECT_GE(device_.physical_block_size, device_.logical_block_size);
  EXPECT_GT(device_.fast_zero, 0U);
  EXPECT_EQ(device_.repair_unit, loop().block_bytes);
}

TEST_P(WorkerGeometryTest, FindsTheFileOfOneBadSector) {
  const FileModel& file = world_->tree().file("linked/first");
  const ByteRange bad = world_->device_range(file, kBadOfFile);
  world_->poison(file, kBadOfFile);
  const auto observation = observe(bad);
  ASSERT_THAT(observation.ranges, SizeIs(1));
  EXPECT_EQ(observation.ranges[0].listed, protocol::Listed::kYes);
  EXPECT_EQ(observation.ranges[0].readable, protocol::Readable::kNo);
  const Owner& owner = observation.ranges[0].owners.at(0);
  EXPECT_EQ(owner.kind, OwnerKind::kFile) << owner.detail;
  EXPECT_EQ(owner.file->inode, file.inode);
  EXPECT_EQ(owner.device_range, bad);
  EXPECT_EQ(owner.file_offset, kBadOfFile.offset);
}

TEST_P(WorkerGeometryTest, ColdSectorLosesItsLogicalBlockAndNothingElse) {
  FileModel& file = world_->tree().file("linked/first");
  const ByteRange bad = world_->device_range(file, kBadOfFile);
  world_->poison(file, kBadOfFile);
  world_->mark_trace();
  const auto request = plan_for(bad);
  EXPECT_EQ(request.plan.method, Method::kRewrite);
  EXPECT_THAT(request.plan.lost, ElementsAre(block_around(bad)));
  const auto reply = repair(request);
  EXPECT_EQ(reply.outcome, Outcome::kSucceeded) << reply.reason;
  ASSERT_THAT(reply.manifest.lost, SizeIs(1));
  EXPECT_EQ(reply.manifest.lost[0].device_range, block_around(bad));
  EXPECT_EQ(reply.manifest.lost[0].file_offset, block_around(kBadOfFile).offset);
  EXPECT_THAT(world_->medium().poisoned(), IsEmpty());
  EXPECT_THAT(world_->stray_writes(units_of(request)), IsEmpty());
  file.zeros.insert(block_around(kBadOfFile));
  EXPECT_THAT(world_->compare(), IsEmpty());
}

TEST_P(WorkerGeometryTest, CachedSectorLosesNothing) {
  FileModel& file = world_->tree().file("dir0/plain14");
  world_->poison_cached(file, {4096 + 512, 512});
  world_->mark_trace();
  const auto request = plan_for(world_->device_range(file, {4096 + 512, 512}));
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

INSTANTIATE_TEST_SUITE_P(Kernel, WorkerGeometryTest,
                         ::testing::Combine(::testing::Values(FsType::kXfs, FsType::kExt4),
                                            ::testing::Values(Geometry{"4Kn", {.block_bytes = 4096}},
                                                              Geometry{"partition", {.partition = true}},
                                                              Geometry{"partition_4Kn",
                                                                       {.block_bytes = 4096, .partition = true}})),
                         [](const auto& param_info) {
                           return to_string(FsOptions{.type = std::get<FsType>(param_info.param)}) + "_" +
                                  std::get<Geometry>(param_info.param).name;
                         });

}  // namespace
}  // namespace pmend::world
