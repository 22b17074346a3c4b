// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/btrfs.hpp"

#include "kernel/rmap/disk.hpp"
#include "pmend/block/block_context.hpp"
#include "pmend/rmap/owner_resolver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace pmend::rmap {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr std::uint64_t kDiskBytes = std::uint64_t{256} << 20U;
constexpr std::uint64_t kBlock = 4096;

// The oracle is the image itself: each block of each file says whose it is, so its place is where its bytes are.
class BtrfsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = disk::prepare(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    if (!std::filesystem::exists("/usr/sbin/mkfs.btrfs") && !std::filesystem::exists("/sbin/mkfs.btrfs")) {
      GTEST_SKIP() << "mkfs.btrfs is not installed";
    }
    directory_ = std::make_unique<disk::TempDirectory>();
    loop_ = std::make_unique<disk::Loop>(image(), kDiskBytes);
    try {
      fs_ = std::make_unique<disk::Mounted>(loop_->node(), *directory_ / "mnt", "btrfs",
                                            std::vector<std::string>{"mkfs.btrfs", "-q", "-f", "-m", "dup"});
    } catch (const std::runtime_error& error) {
      GTEST_SKIP() << "no btrfs here: " << error.what();
    }
  }

  std::string image() const { return *directory_ / "image"; }
  std::string at(const std::string& name) const { return *fs_ / name; }

  static std::string content(const std::string& name, std::uint64_t block) {
    std::string bytes = "pmend " + name + " block " + std::to_string(block) + "\n";
    bytes.resize(kBlock, 'x');
    return bytes;
  }
  void write(const std::string& name, std::uint64_t blocks) {
    std::ofstream file(at(name), std::ios::binary);
    for (std::uint64_t i = 0; i < blocks; ++i) {
      file << content(name, i);
    }
  }
  // Where on the device the block lies, by looking for it.
  std::vector<std::uint64_t> places_of(const std::string& name, std::uint64_t block) {
    fs_->sync();
    std::ifstream file(image(), std::ios::binary);
    const std::string wanted = content(name, block);
    std::vector<std::uint64_t> places;
    std::string bytes(kBlock, '\0');
    for (std::uint64_t offset = 0; file.read(bytes.data(), kBlock); offset += kBlock) {
      if (bytes == wanted) {
        places.push_back(offset);
      }
    }
    return places;
  }

  std::vector<OwnedRange> ask(const std::vector<ByteRange>& ranges) {
    MountedFileSystem mounted = fs_->ref();
    mounted.node = loop_->node();
    auto answer = make_owner_resolver()->resolve(mounted, ranges, {.facts = {protocol::Fact::kNames}});
    EXPECT_TRUE(answer.has_value()) << answer.error().message();
    return answer ? *answer : std::vector<OwnedRange>();
  }
  std::vector<std::string> names_at(std::uint64_t offset) {
    std::vector<std::string> names;
    for (const OwnedRange& range : ask({{offset, kBlock}})) {
      for (const Owner& owner : range.owners) {
        for (const FilePath& path : owner.paths) {
          names.push_back(path.bytes);
        }
      }
    }
    return names;
  }

  std::unique_ptr<disk::TempDirectory> directory_;
  std::unique_ptr<disk::Loop> loop_;
  std::unique_ptr<disk::Mounted> fs_;
};

TEST_F(BtrfsTest, EveryBlockOfAFileIsFoundWhereItsBytesAre) {
  std::filesystem::create_directories(at("d"));
  write("d/a", 20);
  write("b\xff", 3);
  for (const auto& [name, blocks] : std::vector<std::pair<std::string, std::uint64_t>>{{"d/a", 20}, {"b\xff", 3}}) {
    for (std::uint64_t block = 0; block < blocks; ++block) {
      const auto places = places_of(name, block);
      ASSERT_THAT(places, SizeIs(1)) << name << ' ' << block;
      const auto answer = ask({{places[0] + 512, 1024}});
      ASSERT_THAT(answer, SizeIs(1));
      ASSERT_THAT(answer[0].owners, SizeIs(1));
      const Owner& owner = answer[0].owners[0];
      EXPECT_EQ(owner.kind, OwnerKind::kFile);
      EXPECT_THAT(owner.paths, ElementsAre(FilePath{at(name)}));
      EXPECT_EQ(owner.file_offset, block * kBlock + 512);
      EXPECT_EQ(owner.device_range, (ByteRange{places[0] + 512, 1024}));
      EXPECT_FALSE(owner.shared);
      EXPECT_EQ(owner.detail, "subvolume 5");
      EXPECT_THAT(answer[0].evidence, ElementsAre("btrfs"));
    }
  }
}

TEST_F(BtrfsTest, AllOwnersOfASharedBlockAreFoundInAllSubvolumes) {
  disk::run({"btrfs", "-q", "subvolume", "create", at("sub")});
  write("sub/a", 2);
  std::filesystem::create_hard_link(at("sub/a"), at("sub/link"));
  disk::run({"cp", "--reflink=always", at("sub/a"), at("copy")});
  disk::run({"btrfs", "-q", "subvolume", "snapshot", "-r", at("sub"), at("snap")});
  const auto places = places_of("sub/a", 1);
  ASSERT_THAT(places, SizeIs(1));
  EXPECT_THAT(names_at(places[0]),
              UnorderedElementsAre(at("sub/a"), at("sub/link"), at("copy"), at("snap/a"), at("snap/link")));
  for (const Owner& owner : ask({{places[0], kBlock}}).at(0).owners) {
    EXPECT_TRUE(owner.shared);
    EXPECT_EQ(owner.file_offset, kBlock);
  }
  std::filesystem::remove(at("copy"));
  disk::run({"btrfs", "-q", "subvolume", "delete", "-c", at("snap")});
  disk::run({"btrfs", "subvolume", "sync", fs_->path()});
  fs_->sync();
  EXPECT_THAT(names_at(places[0]), UnorderedElementsAre(at("sub/a"), at("sub/link")));
}

TEST_F(BtrfsTest, WhatNoFileHasIsNamed) {
  write("a", 200);
  const auto place = places_of("a", 100);
  ASSERT_THAT(place, SizeIs(1));
  const auto whole = ask({{0, kDiskBytes}});
  const auto kind_at = [&](std::uint64_t offset) {
    for (const OwnedRange& range : whole) {
      if (range.device_range.contains(offset)) {
        return std::string(to_string(range.owners.at(0).kind)) + ": " + range.owners.at(0).detail;
      }
    }
    return std::string("none");
  };
  EXPECT_EQ(kind_at(0), "metadata: reserved");
  EXPECT_EQ(kind_at(65536), "metadata: super block");
  EXPECT_EQ(kind_at(std::uint64_t{64} << 20U), "metadata: super block");
  EXPECT_EQ(kind_at(place[0]), "file: subvolume 5");
  EXPECT_EQ(kind_at(kDiskBytes - 1), "free: in no chunk");
  EXPECT_THAT(whole, Contains(Field(&OwnedRange::owners, Contains(Field(&Owner::detail, "in a chunk of trees")))));
  EXPECT_THAT(whole, Each(Field(&OwnedRange::owners, Each(Field(&Owner::kind, testing::Ne(OwnerKind::kUnknown))))));
  std::filesystem::remove(at("a"));
  fs_->sync();
  EXPECT_EQ(ask({{place[0], kBlock}}).at(0).owners.at(0).kind, OwnerKind::kFree);
}

TEST_F(BtrfsTest, ItIsNeverWritten) {
  const auto context = block::read_block_context({}, loop_->node());
  ASSERT_TRUE(context.has_value()) << context.error().message();
  EXPECT_EQ(context->whole.use, block::VolumeUse::kMounted);
  EXPECT_THAT(context->whole.never_write, Contains("btrfs repairs from its own redundancy"));
}

TEST_F(BtrfsTest, OtherFileSystemsAreNotMistakenForIt) {
  const UniqueFd proc(open("/proc", O_RDONLY | O_DIRECTORY));
  EXPECT_FALSE(kernel::btrfs_devices(proc.get()).has_value());
  EXPECT_FALSE(kernel::btrfs_device_extents(proc.get(), 1).has_value());
  EXPECT_FALSE(kernel::btrfs_references(proc.get(), 4096).has_value());
  EXPECT_FALSE(kernel::btrfs_paths(proc.get(), 256).has_value());
  EXPECT_FALSE(kernel::open_btrfs_subvolume(proc.get(), 5).has_value());
  MountedFileSystem other = fs_->ref();
  other.node = "/dev/null";
  EXPECT_TRUE(make_owner_resolver()->resolve(other, {{0, 512}}, {}).error().is(Errc::kStale));
  other.ref.mount_point = "/proc";
  EXPECT_TRUE(make_owner_resolver()->resolve(other, {{0, 512}}, {}).error().is(Errc::kStale));
}

}  // namespace
}  // namespace pmend::rmap
