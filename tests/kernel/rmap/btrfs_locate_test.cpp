// SPDX-License-Identifier: Apache-2.0
#include "kernel/rmap/disk.hpp"
#include "pmend/rmap/btrfs_places.hpp"
#include "pmend/rmap/locate_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace pmend::rmap {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kDisk = std::uint64_t{256} << 20U;
constexpr std::uint64_t kBytes = 4096;  // of a block

// Where the files of btrfs lie. The oracle are the images: each block says whose it is, so its places are where its
// bytes are.
class BtrfsLocateTest : public testing::Test {
 protected:
  void make(int disks, std::vector<std::string> mkfs) {
    if (const std::string why = disk::prepare(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    if (access("/usr/sbin/mkfs.btrfs", X_OK) != 0 && access("/sbin/mkfs.btrfs", X_OK) != 0) {
      GTEST_SKIP() << "mkfs.btrfs is not installed";
    }
    directory_ = std::make_unique<disk::TempDirectory>();
    for (int i = 0; i < disks; ++i) {
      loops_.push_back(std::make_unique<disk::Loop>(image(i), kDisk));
    }
    mkfs.insert(mkfs.begin(), {"mkfs.btrfs", "-q", "-f"});
    // The one that is mounted is added to the command.
    for (int i = 1; i < disks; ++i) {
      mkfs.push_back(loops_[static_cast<std::size_t>(i)]->node());
    }
    try {
      fs_ = std::make_unique<disk::Mounted>(loops_[0]->node(), *directory_ / "mnt", "btrfs", mkfs);
    } catch (const std::runtime_error& error) {
      GTEST_SKIP() << "no btrfs here: " << error.what();
    }
  }

  std::string image(int disk) const { return *directory_ / ("image" + std::to_string(disk)); }
  std::string at(const std::string& name) const { return *fs_ / name; }

  static std::string content(const std::string& name, std::uint64_t block) {
    std::string bytes = "pmend " + name + " block " + std::to_string(block) + "\n";
    for (std::uint64_t i = 0; bytes.size() < kBytes; ++i) {
      bytes += std::to_string(block * i * 2654435761U);
    }
    bytes.resize(kBytes);
    return bytes;
  }
  void write(const std::string& name, std::uint64_t blocks) {
    std::ofstream file(at(name), std::ios::binary);
    for (std::uint64_t i = 0; i < blocks; ++i) {
      file << content(name, i);
    }
    file.close();
    fs_->sync();
  }

  // Block -> its places, by looking for its bytes.
  std::map<std::uint64_t, std::set<std::uint64_t>> places_on(int disk, const std::string& name, std::uint64_t blocks) {
    fs_->sync();
    std::map<std::string, std::uint64_t> wanted;
    for (std::uint64_t i = 0; i < blocks; ++i) {
      wanted[content(name, i)] = i;
    }
    std::map<std::uint64_t, std::set<std::uint64_t>> places;
    std::ifstream file(image(disk), std::ios::binary);
    std::string bytes(kBytes, '\0');
    for (std::uint64_t offset = 0; file.read(bytes.data(), kBytes); offset += kBytes) {
      if (const auto found = wanted.find(bytes); found != wanted.end()) {
        places[found->second].insert(offset);
      }
    }
    return places;
  }

  Result<std::vector<Owner>> locate(int disk, const std::string& name) {
    MountedFileSystem mounted = fs_->ref();
    mounted.node = loops_[static_cast<std::size_t>(disk)]->node();
    return locate_file(mounted, at(name), {});
  }

  static std::map<std::uint64_t, std::set<std::uint64_t>> blocks_of(const std::vector<Owner>& owners) {
    std::map<std::uint64_t, std::set<std::uint64_t>> places;
    for (const Owner& owner : owners) {
      for (std::uint64_t done = 0; done < owner.device_range.length; done += kBytes) {
        places[(*owner.file_offset + done) / kBytes].insert(owner.device_range.offset + done);
      }
    }
    return places;
  }

  std::unique_ptr<disk::TempDirectory> directory_;
  std::vector<std::unique_ptr<disk::Loop>> loops_;
  std::unique_ptr<disk::Mounted> fs_;
};

TEST_F(BtrfsLocateTest, BothCopiesOnOneDeviceAreTold) {
  make(1, {"-d", "dup", "-m", "dup"});
  if (IsSkipped()) {
    return;
  }
  disk::run({"btrfs", "-q", "subvolume", "create", at("sub")});
  write("sub/a", 300);
  disk::run({"cp", "--reflink=always", at("sub/a"), at("copy")});
  const auto places = places_on(0, "sub/a", 300);
  ASSERT_THAT(places, SizeIs(300));
  EXPECT_THAT(places.at(0), SizeIs(2));
  for (const char* name : {"sub/a", "copy"}) {
    const auto owners = locate(0, name);
    ASSERT_TRUE(owners.has_value()) << owners.error().message();
    EXPECT_EQ(blocks_of(*owners), places);
    for (const Owner& owner : *owners) {
      EXPECT_TRUE(owner.shared);
      EXPECT_THAT(owner.detail, HasSubstr("another copy is at"));
      EXPECT_THAT(owner.detail, HasSubstr(loops_[0]->node()));
    }
  }
}

TEST_F(BtrfsLocateTest, TheCopyOnAnotherDeviceIsNamed) {
  make(2, {"-d", "raid1", "-m", "raid1"});
  if (IsSkipped()) {
    return;
  }
  write("a", 100);
  for (const int disk : {0, 1}) {
    const auto owners = locate(disk, "a");
    ASSERT_TRUE(owners.has_value()) << owners.error().message();
    EXPECT_EQ(blocks_of(*owners), places_on(disk, "a", 100));
    const auto other = places_on(1 - disk, "a", 1);
    EXPECT_EQ(owners->at(0).detail, "another copy is at " + std::to_string(*other.at(0).begin()) + " of " +
                                        loops_[static_cast<std::size_t>(1 - disk)]->node());
  }
  EXPECT_THAT(btrfs_nodes_of(at("a")), Contains(loops_[0]->node()));
  EXPECT_THAT(btrfs_nodes_of(at("a")), Contains(loops_[1]->node()));
}

TEST_F(BtrfsLocateTest, WhatCannotBeToldIsRefused) {
  make(2, {"-d", "raid0", "-m", "raid1"});
  if (IsSkipped()) {
    return;
  }
  write("a", 100);
  fs_->sync();
  EXPECT_TRUE(locate(0, "a").error().is(Errc::kUnsupported));
  EXPECT_THAT(locate(0, "a").error().message(), HasSubstr("striped"));
  EXPECT_TRUE(locate(0, "none").error().is_errno(ENOENT));
  std::filesystem::create_directories(at("d"));
  EXPECT_TRUE(locate(0, "d").error().is(Errc::kInvalid));
  EXPECT_THAT(btrfs_nodes_of("/proc/self/maps"), IsEmpty());
}

TEST_F(BtrfsLocateTest, CompressedFilesAreRefusedAndFilesOnOtherDevicesAreNotMistaken) {
  make(2, {"-d", "single", "-m", "raid1"});
  if (IsSkipped()) {
    return;
  }
  disk::run({"mount", "-o", "remount,compress-force=zlib", at("")});
  write("packed", 100);
  fs_->sync();
  EXPECT_THAT(locate(0, "packed").error().message(), HasSubstr("compressed"));
  disk::run({"mount", "-o", "remount,compress=no", at("")});
  write("plain", 100);
  fs_->sync();
  int found = 0;
  for (const int disk : {0, 1}) {
    const auto owners = locate(disk, "plain");
    const auto places = places_on(disk, "plain", 100);
    if (places.size() == 100) {
      ASSERT_TRUE(owners.has_value()) << owners.error().message();
      EXPECT_EQ(blocks_of(*owners), places);
      ++found;
    } else {
      EXPECT_THAT(owners.error().message(), HasSubstr("alone"));
    }
  }
  EXPECT_EQ(found, 1);
}

}  // namespace
}  // namespace pmend::rmap
