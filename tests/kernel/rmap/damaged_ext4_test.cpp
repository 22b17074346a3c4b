// SPDX-License-Identifier: Apache-2.0
#include "kernel/rmap/disk.hpp"
#include "kernel/rmap/extent_oracle.hpp"
#include "pmend/rmap/ext4/layout.hpp"
#include "pmend/rmap/owner_resolver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

namespace pmend::rmap {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kGroup = 128ULL << 20U;
constexpr std::uint64_t kExt4Block = 4096;

// ext4 whose metadata was damaged while it was not mounted: what is told of free space then.
class DamagedExt4Test : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = disk::prepare(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    directory_ = std::make_unique<disk::TempDirectory>();
    loop_ = std::make_unique<disk::Loop>(*directory_ / "image", 3 * kGroup);
    mount({"mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0"});
    disk::write_file(*fs_ / "a", kExt4Block);
    disk::write_file(*fs_ / "b", kExt4Block);
    struct stat status = {};
    ASSERT_EQ(stat((*fs_ / "b").c_str(), &status), 0);
    inode_ = static_cast<std::uint32_t>(status.st_ino);
    place_a_ = disk::device_ranges(*fs_ / "a").at(0);
    place_b_ = disk::device_ranges(*fs_ / "b").at(0);
    // In the first group too, where nobody's blocks are.
    free_ = {kGroup - (1U << 20U), kExt4Block};
    fs_.reset();
    ext4::Damage none;
    const UniqueFd device = open_file(loop_->node(), O_RDONLY).value();
    layout_ = ext4::read_layout(device.get(), none).value();
  }

  void mount(const std::vector<std::string>& mkfs = {"true"}) {
    fs_ = std::make_unique<disk::Mounted>(loop_->node(), *directory_ / "mnt", "ext4", mkfs);
  }

  // Changes one byte of the device.
  void damage(std::uint64_t offset) {
    const UniqueFd device = open_file(loop_->node(), O_RDWR).value();
    std::array<std::byte, 1> byte{};
    ASSERT_TRUE(read_exactly(device.get(), byte, offset));
    byte[0] ^= std::byte{0xFF};
    ASSERT_TRUE(write_exactly(device.get(), byte, offset));
    ASSERT_EQ(fsync(device.get()), 0);
  }
  // Where no block is in use, so that nothing but the checksum tells.
  void damage_bitmap(std::size_t group) { damage(layout_.groups[group].block_bitmap * kExt4Block + 3000); }
  void damage_inode_of_b() {
    damage(layout_.groups[0].inode_table * kExt4Block + std::uint64_t{inode_ - 1} * layout_.geometry.inode_bytes + 8);
  }

  OwnedRange ask(const ByteRange& range) {
    auto answer = resolver_->resolve(fs_->ref(), {range}, {});
    EXPECT_TRUE(answer.has_value()) << answer.error().message();
    EXPECT_TRUE(answer && answer->size() == 1);
    return answer && !answer->empty() ? answer->front() : OwnedRange();
  }
  OwnerKind kind_of(const ByteRange& range) { return ask(range).owners.at(0).kind; }

  std::unique_ptr<disk::TempDirectory> directory_;
  std::unique_ptr<disk::Loop> loop_;
  std::unique_ptr<disk::Mounted> fs_;
  std::unique_ptr<OwnerResolver> resolver_ = make_owner_resolver();
  ext4::Layout layout_;
  std::uint32_t inode_ = 0;
  ByteRange place_a_;
  ByteRange place_b_;
  ByteRange free_;
};

TEST_F(DamagedExt4Test, BitmapWithAWrongChecksumTellsNothingOfItsGroup) {
  damage_bitmap(0);
  mount();
  const OwnedRange free = ask(free_);
  EXPECT_EQ(free.owners.at(0).kind, OwnerKind::kUnknown);
  EXPECT_THAT(free.owners[0].detail, HasSubstr("the block bitmap of group 0 has a wrong checksum"));
  // Files are told by their inodes, and the other groups by their bitmaps.
  EXPECT_EQ(kind_of(place_a_), OwnerKind::kFile);
  EXPECT_EQ(kind_of({2 * kGroup + (50U << 20U), kExt4Block}), OwnerKind::kFree);
}

TEST_F(DamagedExt4Test, BitmapsAreAskedWhereTheKernelCannotAnswer) {
  damage_bitmap(1);
  mount();
  // GETFSMAP fails for a question that reaches into the damaged group.
  auto answer = resolver_->resolve(fs_->ref(), {{free_.offset, 2U << 20U}}, {});
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->front().owners.at(0).kind, OwnerKind::kFree);
  EXPECT_EQ(answer->back().owners.at(0).kind, OwnerKind::kUnknown);
  EXPECT_THAT(answer->back().owners[0].detail, HasSubstr("the block bitmap of group 1 has a wrong checksum"));
}

TEST_F(DamagedExt4Test, FreeSpaceOfBitmapsIsUnknownWhereAnInodeIsDamaged) {
  damage_bitmap(2);
  damage_inode_of_b();
  mount();
  // Asked twice: what is kept in the index knows of the damage, also in another process.
  const IndexOptions options{*directory_ / "index", 1U << 20U};
  for (int i = 0; i < 2; ++i) {
    resolver_ = make_owner_resolver(options);
    auto answer = resolver_->resolve(fs_->ref(), {{2 * kGroup - (1U << 20U), 2U << 20U}}, {});
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->front().owners.at(0).kind, OwnerKind::kUnknown);
    EXPECT_THAT(answer->front().owners[0].detail, HasSubstr("some inodes of this file system are damaged"));
    const OwnedRange lost = ask(place_b_);
    EXPECT_EQ(lost.owners.at(0).kind, OwnerKind::kUnknown);
    EXPECT_THAT(lost.owners[0].detail, HasSubstr("inode " + std::to_string(inode_) + " has a wrong checksum"));
    EXPECT_EQ(kind_of(place_a_), OwnerKind::kFile);
  }
}

TEST_F(DamagedExt4Test, FileThatClaimsAnInodeTableIsNotItsOwner) {
  const std::uint64_t table = layout_.groups[1].inode_table;
  // Where the one extent of the file begins: the sixth word of the root of its extent tree.
  disk::run(
      {"debugfs", "-w", "-R", "sif <" + std::to_string(inode_) + "> block[5] " + std::to_string(table), loop_->node()});
  mount();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(kind_of(place_a_), OwnerKind::kFile);
    EXPECT_EQ(kind_of({table * kExt4Block, kExt4Block}), OwnerKind::kMetadata);
  }
}

TEST_F(DamagedExt4Test, IndexAndGetfsmapTogetherTellAll) {
  mount();
  EXPECT_EQ(kind_of(place_a_), OwnerKind::kFile);
  EXPECT_THAT(ask(place_a_).evidence, testing::ElementsAre("fiemap", "handle", "inode-tables", "index"));
  EXPECT_EQ(kind_of(free_), OwnerKind::kFree);
  EXPECT_EQ(kind_of({layout_.groups[1].inode_table * kExt4Block, kExt4Block}), OwnerKind::kMetadata);
}

}  // namespace
}  // namespace pmend::rmap
