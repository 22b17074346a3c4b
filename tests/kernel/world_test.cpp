// SPDX-License-Identifier: Apache-2.0
#include "support/world.hpp"

#include "kernel/kernel_test.hpp"
#include "support/residue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

namespace pmend::world {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WorldTest : public KernelTest, public ::testing::WithParamInterface<FsOptions> {};

TEST_P(WorldTest, FreshWorldIsExactlyItsModel) {
  World world({.fs = GetParam()});
  EXPECT_THAT(world.compare(), IsEmpty());
  EXPECT_THAT(world.stray_writes({}), IsEmpty());
}

TEST_P(WorldTest, PoisonedSectorOfAColdFileIsUnreadableAndNothingElseIs) {
  World world({.fs = GetParam()});
  FileModel& file = world.tree().file("dir0/plain14");
  world.poison(file, {8192 + 1024, 512});
  file.unreadable.insert({8192 + 1024, 512});
  EXPECT_THAT(world.compare(), IsEmpty());
  EXPECT_THAT(world.medium().badblocks().entries,
              ElementsAre(SectorRange{world.device_range(file, {8192 + 1024, 512}).offset / kSectorBytes, 1}));
}

TEST_P(WorldTest, PoisonUnderAWarmPageCacheStaysHiddenFromBufferedReaders) {
  World world({.fs = GetParam()});
  FileModel& file = world.tree().file("dir0/plain14");
  world.poison_cached(file, {8192, 512});
  // Not declared: the direct read fails, the cached one does not. With data=journal there are no direct reads.
  const auto found = compare_content(world.tree(), file);
  if (GetParam().data_journal) {
    EXPECT_THAT(found, IsEmpty());
    return;
  }
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].wrong, Wrong::kUnreadable);
  EXPECT_EQ(found[0].range, (ByteRange{8192, 512}));
  EXPECT_TRUE(found[0].what.starts_with("direct"));
}

TEST_P(WorldTest, PowerLossOfTheMediumKeepsSyncedDataAndPoison) {
  World world({.fs = GetParam()});
  FileModel& file = world.tree().file("tail");
  world.poison(file, {4096, 512});
  world.medium().set_mode("write=clear");
  world.power_loss();
  file.unreadable.insert({4096, 512});
  EXPECT_THAT(world.compare(), IsEmpty());
}

TEST_P(WorldTest, TearDownLeavesNothing) {
  std::string directory;
  unsigned connection = 0;
  {
    World world({.fs = GetParam(), .plain_files = 1});
    directory = world.directory();
    connection = fuse_connection(world.medium().mount_dir());
    EXPECT_TRUE(fuse_connection_exists(connection));
    world.tear_down();
    EXPECT_TRUE(residue_of(directory).empty()) << to_string(residue_of(directory));
    EXPECT_FALSE(fuse_connection_exists(connection));
  }
  EXPECT_FALSE(std::filesystem::exists(directory));
}

INSTANTIATE_TEST_SUITE_P(Kernel, WorldTest,
                         ::testing::Values(FsOptions{.type = FsType::kXfs},
                                           FsOptions{.type = FsType::kXfs, .rmapbt = false, .reflink = false},
                                           FsOptions{.type = FsType::kExt4},
                                           FsOptions{.type = FsType::kExt4, .data_journal = true}),
                         [](const auto& param_info) {
                           std::string name = to_string(param_info.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace pmend::world
