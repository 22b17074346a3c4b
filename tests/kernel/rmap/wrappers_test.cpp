// SPDX-License-Identifier: Apache-2.0
#include "kernel/rmap/owners_fixture.hpp"
#include "pmend/kernel/bulkstat.hpp"
#include "pmend/kernel/file_facts.hpp"
#include "pmend/kernel/handles.hpp"
#include "pmend/kernel/open_beneath.hpp"
#include "pmend/kernel/xfs_geometry.hpp"
#include "pmend/kernel/xfs_health.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

// The kernel wrappers that the reverse map stands on, on each file system.
namespace pmend::rmap {
namespace {

using disk::kOracleBlock;
using testing::Contains;

kernel::HandleStyle style(bool xfs) {
  return xfs ? kernel::HandleStyle::kXfs : kernel::HandleStyle::kExt4;
}

TEST_P(OwnersTest, HandleLeadsBackToTheFileAndToNoOther) {
  disk::write_file(at("a"), kOracleBlock);
  const UniqueFd file = open_file(at("a"), O_RDONLY).value();
  const kernel::InodeId id = kernel::identify(file.get()).value();
  EXPECT_EQ(id.inode, inode("a"));
  EXPECT_EQ(id.generation, kernel::inode_generation(file.get()).value());
  const UniqueFd root = open_file(fs_->path(), O_RDONLY).value();
  const auto again = kernel::open_by_id(root.get(), style(is_xfs()), id);
  ASSERT_TRUE(again.has_value()) << again.error().message();
  EXPECT_EQ(kernel::identify(again->get()).value(), id);
  const auto other = kernel::open_by_id(root.get(), style(is_xfs()), {id.inode, id.generation + 1});
  ASSERT_FALSE(other.has_value());
  EXPECT_TRUE(other.error().is_errno(ESTALE));
}

TEST_P(OwnersTest, HandleOfADeviceOrPipeIsNotOpened) {
  ASSERT_EQ(mkfifo(at("pipe").c_str(), 0600), 0);
  ASSERT_EQ(mknod(at("null").c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
  const UniqueFd root = open_file(fs_->path(), O_RDONLY).value();
  for (const char* name : {"pipe", "null"}) {
    const UniqueFd path = open_file(at(name), O_PATH | O_NOFOLLOW).value();
    const kernel::InodeId id = kernel::identify(path.get()).value();
    const auto opened = kernel::open_by_id(root.get(), style(is_xfs()), id);
    ASSERT_FALSE(opened.has_value()) << name;
    EXPECT_TRUE(opened.error().is(Errc::kUnsupported)) << opened.error().message();
    EXPECT_TRUE(kernel::open_path_by_id(root.get(), style(is_xfs()), id).has_value());
  }
}

TEST_P(OwnersTest, BulkstatAndGeometryAreXfsOnly) {
  disk::write_file(at("a"), kOracleBlock);
  fs_->sync();
  const UniqueFd root = open_file(fs_->path(), O_RDONLY).value();
  const auto record = kernel::bulkstat_one(root.get(), inode("a"));
  const auto geometry = kernel::xfs_geometry(root.get());
  if (!is_xfs()) {
    EXPECT_TRUE(record.error().is_errno(ENOTTY));
    EXPECT_TRUE(geometry.error().is_errno(ENOTTY));
    return;
  }
  ASSERT_TRUE(record.has_value() && record->has_value());
  EXPECT_EQ((*record)->links, 1U);
  EXPECT_EQ((*record)->blocks, 1U);
  EXPECT_FALSE((*record)->realtime);
  EXPECT_FALSE(kernel::bulkstat_one(root.get(), inode("a") + 1).value().has_value());
  EXPECT_EQ(geometry->reverse_map, GetParam().knows_all);
  EXPECT_TRUE(geometry->reflink);
  EXPECT_FALSE(geometry->external_log);
  EXPECT_EQ(geometry->realtime_blocks, 0U);
  EXPECT_EQ(geometry->block_bytes * geometry->data_blocks, bytes_);
}

TEST_P(OwnersTest, KindsOfFileThatAreNeverWrittenAreSeen) {
  disk::write_file(at("plain"), kOracleBlock);
  disk::write_file(at("immutable"), kOracleBlock);
  disk::write_file(at("append"), kOracleBlock);
  disk::run({"chattr", "+i", at("immutable")});
  disk::run({"chattr", "+a", at("append")});
  const auto facts = [this](const char* name) {
    return kernel::file_facts(open_file(at(name), O_RDONLY).value().get()).value();
  };
  EXPECT_EQ(facts("plain"), kernel::FileFacts{});
  EXPECT_TRUE(facts("immutable").immutable);
  EXPECT_TRUE(facts("append").append_only);
  EXPECT_FALSE(facts("append").immutable);
}

TEST_P(OwnersTest, FileThatJournalsItsContentsIsSeen) {
  if (is_xfs()) {
    GTEST_SKIP() << "XFS never journals contents";
  }
  disk::write_file(at("a"), kOracleBlock);
  fs_.reset();
  // chattr +j needs a capability that containers often lack.
  disk::run({"debugfs", "-w", "-R", "set_inode_field a flags 0x84000", loop_->node()});
  fs_ = std::make_unique<disk::Mounted>(loop_->node(), *directory_ / "mnt", "ext4", std::vector<std::string>{"true"});
  EXPECT_TRUE(kernel::file_facts(open_file(at("a"), O_RDONLY).value().get()).value().journal_data);
}

TEST_P(OwnersTest, OpeningBeneathNeverLeavesTheTree) {
  std::filesystem::create_directories(at("d"));
  std::filesystem::create_directories(at("m"));
  disk::write_file(at("d/a"), 1);
  std::filesystem::create_symlink("d", at("link"));
  disk::run({"mount", "--bind", at("d"), at("m")});
  const UniqueFd root = open_file(fs_->path(), O_RDONLY).value();
  EXPECT_TRUE(kernel::open_beneath(root.get(), "d/a", O_RDONLY).has_value());
  EXPECT_TRUE(kernel::open_beneath(root.get(), "link/a", O_RDONLY).error().is_errno(ELOOP));
  EXPECT_TRUE(kernel::open_beneath(root.get(), "m/a", O_RDONLY).error().is_errno(EXDEV));
  EXPECT_TRUE(kernel::open_beneath(root.get(), "../image", O_RDONLY).error().is_errno(EXDEV));
  EXPECT_TRUE(kernel::open_beneath(root.get(), "/etc/passwd", O_RDONLY).error().is_errno(EXDEV));
  disk::run({"umount", at("m")});
}

TEST_P(OwnersTest, KernelWithoutHealthMonitorsSaysSo) {
  const auto monitor = kernel::XfsHealthMonitor::open(fs_->path());
  if (monitor || monitor.error().is_errno(EEXIST)) {
    GTEST_SKIP() << "this kernel has them";
  }
  EXPECT_TRUE(monitor.error().is_errno(ENOTTY)) << monitor.error().message();
}

TEST_P(OwnersTest, JournalAndInodesAreNamed) {
  disk::write_file(at("a"), kOracleBlock);
  fs_->sync();
  std::vector<std::string> details;
  for (const OwnedRange& range : resolve({{0, bytes_}})) {
    if (range.owners[0].kind == OwnerKind::kMetadata) {
      details.push_back(range.owners[0].detail);
    }
  }
  if (GetParam().knows_all) {
    for (const char* name : {"journal", "inodes", "inode btree", "per-AG metadata", "reference count btree"}) {
      EXPECT_THAT(details, Contains(name));
    }
  } else if (!is_xfs()) {
    for (const char* name : {"inodes", "block bitmap", "inode bitmap", "group descriptors"}) {
      EXPECT_THAT(details, Contains(name));
    }
  }
}

}  // namespace
}  // namespace pmend::rmap
