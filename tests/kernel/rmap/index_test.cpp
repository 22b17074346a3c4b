// SPDX-License-Identifier: Apache-2.0
#include "kernel/rmap/extent_oracle.hpp"
#include "kernel/rmap/index_fixture.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

namespace pmend::rmap {
namespace {

using testing::Contains;
using testing::Not;

std::string name_of(const testing::TestParamInfo<IndexedKind>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Kinds, IndexTest, testing::ValuesIn(indexed_kinds()), name_of);

class ReflinkTest : public IndexTest {};
INSTANTIATE_TEST_SUITE_P(Kinds, ReflinkTest,
                         testing::ValuesIn(indexed_kinds([](const IndexedKind& kind) { return kind.is_xfs(); })),
                         name_of);

class KeptIndexTest : public IndexTest {};
INSTANTIATE_TEST_SUITE_P(Kinds, KeptIndexTest, testing::ValuesIn(indexed_kinds([](const IndexedKind& kind) {
                           return !kind.has_reverse_map();
                         })),
                         name_of);

// XFS is never read behind its back.
class DeviceIndexTest : public IndexTest {};
INSTANTIATE_TEST_SUITE_P(Kinds, DeviceIndexTest,
                         testing::ValuesIn(indexed_kinds([](const IndexedKind& kind) { return !kind.is_xfs(); })),
                         name_of);

// What an answer says of one block, in the oracle's words.
std::set<disk::BlockOwner> said_of(const OwnedRange& range, std::uint64_t done) {
  std::set<disk::BlockOwner> said;
  for (const Owner& owner : range.owners) {
    if (owner.kind == OwnerKind::kFile) {
      said.insert({owner.file->inode, *owner.file_offset + done, false, owner.unwritten, owner.shared});
    }
  }
  return said;
}

// Directories count in metadata, and without their offsets.
bool take_directory(std::set<disk::BlockOwner>& owners, const OwnedRange& range) {
  const auto directory = std::ranges::find(owners, true, &disk::BlockOwner::directory);
  if (directory == owners.end()) {
    return false;
  }
  EXPECT_EQ(range.owners[0].kind, OwnerKind::kMetadata);
  EXPECT_EQ(range.owners[0].detail, "directory");
  EXPECT_TRUE(range.owners[0].file && range.owners[0].file->inode == directory->inode);
  owners.erase(directory);
  return true;
}

TEST_P(IndexTest, EveryBlockOfTheDeviceHasTheOwnersThatAllFilesClaim) {
  const std::uint64_t block = GetParam().block_bytes;
  fill_with_all_shapes(*fs_, block);
  if (is_xfs()) {
    disk::run({"cp", "--reflink=always", at("interleaved-a"), at("reflink")});
    fs_->sync();
  }
  const disk::BlockOwners expected = disk::ask_every_file(fs_->path(), block);
  const std::uint64_t step = 16ULL << 20U;
  std::uint64_t wrong = 0;
  std::uint64_t unknown = 0;
  std::uint64_t files = 0;
  for (std::uint64_t begin = 0; begin < bytes_; begin += step) {
    std::uint64_t position = begin;
    for (const OwnedRange& range : resolve({{begin, step}})) {
      ASSERT_EQ(range.device_range.offset, position);
      position = range.device_range.end();
      for (std::uint64_t done = 0; done < range.device_range.length; done += block) {
        const auto claimed = expected.find(range.device_range.offset + done);
        auto owners = claimed == expected.end() ? std::set<disk::BlockOwner>() : claimed->second;
        files += owners.empty() ? 0U : 1U;
        const bool directory = take_directory(owners, range);
        const bool is_unknown = !directory && range.owners[0].kind == OwnerKind::kUnknown;
        unknown += is_unknown ? 1U : 0U;
        EXPECT_TRUE(!is_unknown || unknown > 3 || !tells_all())
            << range.device_range.offset << ": " << range.owners[0].detail;
        const auto said = said_of(range, done);
        wrong += said == owners ? 0U : 1U;
        EXPECT_TRUE(said == owners || wrong > 5)
            << "block at " << range.device_range.offset + done << ": " << testing::PrintToString(said) << " instead of "
            << testing::PrintToString(owners) << "; " << to_string(range.owners[0].kind) << " "
            << range.owners[0].detail;
      }
    }
    ASSERT_EQ(position, begin + step);
  }
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(files, 1000U);
  if (tells_all()) {
    EXPECT_EQ(unknown, 0U);
  }
}

TEST_P(IndexTest, ExtendedAttributesAndExtentMapsBelongToTheirInodes) {
  fill_with_all_shapes(*fs_, GetParam().block_bytes);
  std::uint64_t attributes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(at("dir0"))) {
    struct stat status = {};
    ASSERT_EQ(lstat(entry.path().c_str(), &status), 0);
    for (const ByteRange& range :
         S_ISREG(status.st_mode) ? disk::attribute_ranges(entry.path()) : std::vector<ByteRange>()) {
      const auto answer = resolve({{range.offset, 512}});
      // FIEMAP names the inode table for attributes inside of inodes.
      if (!knows_all() || answer.at(0).owners.at(0).detail == "static file system metadata" ||
          answer[0].owners[0].detail == "inodes") {
        continue;
      }
      ++attributes;
      EXPECT_EQ(answer[0].owners[0].detail, "extended attributes");
      EXPECT_TRUE(std::ranges::any_of(answer[0].owners, [&status](const Owner& owner) {
        return owner.file && owner.file->inode == status.st_ino;
      }));
    }
  }
  if (std::string(GetParam().name) == "ext4_1k" || std::string(GetParam().name) == "ext4_without_checksums") {
    EXPECT_GT(attributes, 0U);
  }
}

TEST_P(IndexTest, NamesAreFoundWithAndWithoutTheIndex) {
  fill_with_all_shapes(*fs_, GetParam().block_bytes);
  using protocol::Fact;
  for (const std::string& name : {std::string("dir3/file1"), std::string("dir3/file2"), std::string("interleaved-b")}) {
    const auto ranges = disk::device_ranges(at(name));
    ASSERT_FALSE(ranges.empty()) << name;
    for (int i = 0; i < 2; ++i) {
      const auto answer = resolve({{ranges[0].offset, 512}}, {Fact::kNames});
      const Owner& owner = answer.at(0).owners.at(0);
      EXPECT_TRUE(owner.all_names) << name;
      EXPECT_THAT(owner.paths, Contains(FilePath{at(name)}));
    }
  }
}

TEST_P(IndexTest, WhatChangedSinceIsAnsweredAsItIsNow) {
  disk::write_file(at("a"), GetParam().block_bytes);
  const ByteRange old_place = disk::device_ranges(at("a")).at(0);
  resolve({{old_place.offset, 512}});
  disk::write_file(at("b"), GetParam().block_bytes);
  const ByteRange new_place = disk::device_ranges(at("b")).at(0);
  struct stat status = {};
  ASSERT_EQ(stat(at("b").c_str(), &status), 0);
  const auto answer = resolve({{new_place.offset, 512}});
  ASSERT_TRUE(answer.at(0).owners.at(0).file.has_value());
  EXPECT_EQ(answer[0].owners[0].file->inode, status.st_ino);
  EXPECT_THAT(answer[0].evidence, Not(Contains("index")));
  if (!GetParam().has_reverse_map()) {
    EXPECT_THAT(resolve({{new_place.offset, 512}}).at(0).evidence, Contains("index"));
  }
  // The old block is another file's now.
  std::filesystem::rename(at("a"), at("c"));
  std::filesystem::remove(at("b"));
  EXPECT_NE(resolve({{new_place.offset, 512}}).at(0).owners.at(0).kind, OwnerKind::kFile);
  EXPECT_EQ(resolve({{old_place.offset, 512}}).at(0).owners.at(0).kind, OwnerKind::kFile);
}

TEST_P(ReflinkTest, NewReflinkOfAKnownExtentIsNotMissed) {
  disk::write_file(at("a"), 4096);
  const ByteRange place = disk::device_ranges(at("a")).at(0);
  EXPECT_EQ(resolve({place}).at(0).owners.size(), 1U);
  disk::run({"cp", "--reflink=always", at("a"), at("b")});
  EXPECT_EQ(resolve({place}).at(0).owners.size(), 2U);
  disk::run({"cp", "--reflink=always", at("a"), at("c")});
  EXPECT_EQ(resolve({place}).at(0).owners.size(), 3U);
}

TEST_P(IndexTest, WithoutABudgetAnswersAreTheSameAndNothingIsKept) {
  fill_with_all_shapes(*fs_, GetParam().block_bytes);
  const auto ranges = disk::device_ranges(at("interleaved-a"));
  const auto kept = resolve(ranges);
  resolver_ = make_owner_resolver({"", 0});
  for (int i = 0; i < 2; ++i) {
    const auto answer = resolve(ranges);
    ASSERT_EQ(answer.size(), kept.size());
    for (std::size_t n = 0; n < answer.size(); ++n) {
      EXPECT_EQ(answer[n].owners, kept[n].owners);
      EXPECT_THAT(answer[n].evidence, Not(Contains("index")));
    }
  }
}

TEST_P(KeptIndexTest, IndexOutlivesItsProcessInADirectoryOfItsOwn) {
  disk::write_file(at("a"), 4096);
  const std::vector<ByteRange> place = {disk::device_ranges(at("a")).at(0)};
  const IndexOptions options{*directory_ / "index", 1U << 20U};
  resolver_ = make_owner_resolver(options);
  EXPECT_THAT(resolve(place).at(0).evidence, Not(Contains("index")));
  resolver_ = make_owner_resolver(options);
  EXPECT_THAT(resolve(place).at(0).evidence, Contains("index"));
  // What others could have written is not read; what is no index neither.
  for (const auto& file : std::filesystem::directory_iterator(options.directory)) {
    EXPECT_EQ(file.status().permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::filesystem::permissions(file, std::filesystem::perms::others_write, std::filesystem::perm_options::add);
  }
  resolver_ = make_owner_resolver(options);
  EXPECT_THAT(resolve(place).at(0).evidence, Not(Contains("index")));
  for (const auto& file : std::filesystem::directory_iterator(options.directory)) {
    std::filesystem::resize_file(file, 200);
  }
  resolver_ = make_owner_resolver(options);
  EXPECT_THAT(resolve(place).at(0).evidence, Not(Contains("index")));
  EXPECT_EQ(resolve(place).at(0).owners.at(0).kind, OwnerKind::kFile);
}

TEST_P(DeviceIndexTest, WhereTheDeviceCannotBeReadTheTreeIsWalked) {
  disk::write_file(at("a"), 4096);
  MountedFileSystem without_node = fs_->ref();
  without_node.node = "/dev/null";
  const auto answer = resolver_->resolve(without_node, {disk::device_ranges(at("a")).at(0)}, {});
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->at(0).owners.at(0).kind, OwnerKind::kFile);
  EXPECT_THAT(answer->at(0).evidence, Contains("walk"));
}

}  // namespace
}  // namespace pmend::rmap
