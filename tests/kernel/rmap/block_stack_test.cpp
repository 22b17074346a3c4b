// SPDX-License-Identifier: Apache-2.0
#include "kernel/rmap/disk.hpp"
#include "kernel/rmap/extent_oracle.hpp"
#include "pmend/block/block_context.hpp"
#include "pmend/rmap/owner_resolver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>

namespace pmend::block {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr std::uint64_t kMiB = 1U << 20U;
const std::vector<std::string> kMakeExt4 = {"mkfs.ext4", "-q", "-F", "-b", "4096", "-L", "odd label"};

class BlockStackTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = disk::prepare(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    directory_ = std::make_unique<disk::TempDirectory>();
  }

  std::string image() const { return *directory_ / "image"; }
  std::string mount_point() const { return *directory_ / "a mount point\nof two lines"; }
  static BlockContext context(const std::string& node) {
    auto context = read_block_context({}, node);
    if (!context) {
      throw std::runtime_error(context.error().message());
    }
    return std::move(*context);
  }

  std::unique_ptr<disk::TempDirectory> directory_;
};

TEST_F(BlockStackTest, LoopDeviceIsKnownByItsFileAndThisUse) {
  const disk::Loop loop(image(), 32 * kMiB);
  const BlockContext c = context(loop.node());
  EXPECT_EQ(c.device.size_bytes, 32 * kMiB);
  EXPECT_EQ(c.device.node, loop.node());
  EXPECT_EQ(c.device.identity.loop->file, image());
  EXPECT_THAT(c.device_id, StartsWith("loop:" + image() + "@0:"));
  EXPECT_THAT(c.device_id, HasSubstr(c.boot_id));
  EXPECT_FALSE(c.device.badblocks.has_value());  // loop devices have no list
  const auto pieces = locate(c, {4096, 512});
  ASSERT_THAT(pieces, SizeIs(1));
  EXPECT_EQ(owner_of(pieces[0]).kind, OwnerKind::kRaw);
}

TEST_F(BlockStackTest, SameFileSetUpAgainIsAnotherDevice) {
  std::string first;
  {
    const disk::Loop loop(image(), 32 * kMiB);
    first = context(loop.node()).device_id;
  }
  const disk::Loop loop(image(), 32 * kMiB);
  EXPECT_NE(context(loop.node()).device_id, first);
}

TEST_F(BlockStackTest, MountedFileSystemIsFoundThroughItsEscapedMountPoint) {
  const disk::Loop loop(image(), 32 * kMiB);
  const disk::Mounted fs(loop.node(), mount_point(), "ext4", kMakeExt4);
  const BlockContext c = context(loop.node());
  EXPECT_EQ(c.whole.use, VolumeUse::kMounted);
  ASSERT_TRUE(c.whole.filesystem.has_value());
  EXPECT_EQ(c.whole.filesystem->type, "ext4");
  EXPECT_EQ(c.whole.filesystem->mount_point, mount_point());
  EXPECT_EQ(c.whole.filesystem->label, "odd label");
  EXPECT_THAT(c.whole.filesystem->uuid, SizeIs(36));
  EXPECT_THAT(c.whole.never_write, IsEmpty());
  const auto info = device_info(c);
  EXPECT_EQ(info.size, 32 * kMiB);
  EXPECT_EQ(info.repair_unit, 512U);
  EXPECT_EQ(info.physical_block_size, 512U);
  EXPECT_GT(info.fast_zero, 0U) << "loop devices zero by fallocate(2)";
  EXPECT_EQ(info.filesystem, c.whole.filesystem);
}

TEST_F(BlockStackTest, UnmountedFileSystemAndSwapAreNamed) {
  const disk::Loop loop(image(), 32 * kMiB);
  { const disk::Mounted fs(loop.node(), mount_point(), "ext4", kMakeExt4); }
  const Volume unmounted = context(loop.node()).whole;
  EXPECT_EQ(unmounted.use, VolumeUse::kNotMounted);
  EXPECT_EQ(unmounted.filesystem->type, "ext4");
  disk::run({"wipefs", "-q", "-a", loop.node()});
  disk::run({"sh", "-c", "mkswap -q " + loop.node()});
  EXPECT_EQ(context(loop.node()).whole.use, VolumeUse::kSwap);
}

// A process in a mount namespace of its own that mounts the device there, and ends with the test.
class MountedElsewhere {
 public:
  MountedElsewhere(const std::string& node, const std::string& mount_point) {
    if (pipe(ready_) < 0) {
      throw std::runtime_error("pipe");
    }
    child_ = fork();
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const bool mounted = unshare(CLONE_NEWNS) == 0 &&
                           mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                           mount(node.c_str(), mount_point.c_str(), "ext4", MS_RDONLY, nullptr) == 0;
      [[maybe_unused]] const auto told = ::write(ready_[1], mounted ? "y" : "n", 1);
      pause();
      _exit(0);
    }
    char answer = 'n';
    if (::read(ready_[0], &answer, 1) != 1 || answer != 'y') {
      throw std::runtime_error("mount " + node + " elsewhere");
    }
  }
  MountedElsewhere(const MountedElsewhere&) = delete;
  MountedElsewhere& operator=(const MountedElsewhere&) = delete;
  ~MountedElsewhere() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    close(ready_[0]);
    close(ready_[1]);
  }
  std::string process() const { return std::to_string(child_); }

 private:
  int ready_[2] = {-1, -1};
  pid_t child_ = -1;
};

TEST_F(BlockStackTest, MountOfAnotherNamespaceIsNamed) {
  const disk::Loop loop(image(), 32 * kMiB);
  { const disk::Mounted fs(loop.node(), mount_point(), "ext4", kMakeExt4); }
  EXPECT_THAT(context(loop.node()).whole.detail, HasSubstr("mount it"));
  std::filesystem::create_directories(mount_point());
  const MountedElsewhere elsewhere(loop.node(), mount_point());
  const Volume volume = context(loop.node()).whole;
  EXPECT_EQ(volume.use, VolumeUse::kNotMounted);
  EXPECT_THAT(volume.detail, HasSubstr("in the mount namespace of process " + elsewhere.process()));
  EXPECT_THAT(volume.never_write, Contains("its file system is not mounted here"));
}

TEST_F(BlockStackTest, FileOnALoopOffsetIsOwnedAtItsPlaceInTheLoop) {
  const disk::Loop loop(image(), 64 * kMiB, 16 * kMiB);
  const disk::Mounted fs(loop.node(), mount_point(), "ext4", kMakeExt4);
  const BlockContext c = context(loop.node());
  EXPECT_EQ(c.device.size_bytes, 48 * kMiB);
  EXPECT_EQ(c.device.identity.loop->offset, 16 * kMiB);
  EXPECT_THAT(c.device_id, HasSubstr("@16777216:"));
}

TEST_F(BlockStackTest, BadSectorOfTheDiskLeadsToTheFileOnThePartition) {
  const disk::Loop loop(image(), 128 * kMiB);
  loop.add_partition(1, {kMiB, 16 * kMiB});
  loop.add_partition(2, {32 * kMiB, 64 * kMiB});
  const disk::Mounted fs(loop.node() + "p2", mount_point(), "ext4", kMakeExt4);
  disk::write_file(fs / "a", 4096);
  const ByteRange on_partition = disk::device_ranges(fs / "a").at(0);

  const BlockContext c = context(loop.node());
  ASSERT_THAT(c.partitions, SizeIs(2));
  const auto pieces = locate(c, {32 * kMiB + on_partition.offset + 512, 512});
  ASSERT_THAT(pieces, SizeIs(1));
  EXPECT_EQ(pieces[0].volume.device.node, loop.node() + "p2");
  EXPECT_EQ(pieces[0].volume_range, (ByteRange{on_partition.offset + 512, 512}));
  ASSERT_EQ(pieces[0].volume.use, VolumeUse::kMounted);

  const rmap::MountedFileSystem mounted{*pieces[0].volume.filesystem, pieces[0].volume.mounts[0].device};
  const auto owners = rmap::make_owner_resolver()->resolve(mounted, {pieces[0].volume_range}, {});
  ASSERT_TRUE(owners.has_value()) << owners.error().message();
  struct stat status = {};
  ASSERT_EQ(stat((fs / "a").c_str(), &status), 0);
  EXPECT_EQ(owners->at(0).owners.at(0).file->inode, status.st_ino);
  EXPECT_EQ(owners->at(0).owners[0].file_offset, 512U);
  EXPECT_EQ(locate(c, {0, 512})[0].volume.use, VolumeUse::kPartitionTable);
}

TEST_F(BlockStackTest, PartitionAskedForItselfCountsFromItsOwnStart) {
  const disk::Loop loop(image(), 64 * kMiB);
  loop.add_partition(3, {kMiB, 32 * kMiB});
  const BlockContext disk_context = context(loop.node());
  const BlockContext c = context(loop.node() + "p3");
  ASSERT_TRUE(c.device.partition.has_value());
  EXPECT_EQ(c.device.partition->disk_range, (ByteRange{kMiB, 32 * kMiB}));
  EXPECT_EQ(c.device_id, disk_context.device_id + "/part:3@1048576");
  EXPECT_EQ(locate(c, {0, 4096}).at(0).volume_range, (ByteRange{0, 4096}));
}

TEST_F(BlockStackTest, BackingStoreOfALoopDeviceIsFoundOut) {
  const disk::Loop outer(image(), 64 * kMiB);
  const disk::Loop inner(outer.node(), 64 * kMiB);
  EXPECT_THAT(context(outer.node()).whole.never_write, Contains(HasSubstr("backing store of loop")));
  struct stat status = {};
  ASSERT_EQ(stat(image().c_str(), &status), 0);
  const auto users = read_storage_users({});
  EXPECT_TRUE(std::ranges::any_of(users, [&](const StorageUser& user) {
    return user.kind == StorageUserKind::kLoop && user.uses_file(status.st_dev, status.st_ino);
  }));
}

TEST_F(BlockStackTest, NodesThatAreNoneAreErrors) {
  EXPECT_TRUE(read_block_context({}, "/dev/no-such-device").error().is_errno(ENOENT));
  EXPECT_TRUE(read_block_context({}, "/dev/null").error().is(Errc::kInvalid));
}

}  // namespace
}  // namespace pmend::block
