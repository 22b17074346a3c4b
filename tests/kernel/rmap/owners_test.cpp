// SPDX-License-Identifier: Apache-2.0
#include "kernel/rmap/owners_fixture.hpp"
#include "pmend/rmap/locate_file.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

namespace pmend::rmap {
namespace {

using disk::kOracleBlock;
using protocol::Fact;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

const std::vector<Fact> kAllFacts = {Fact::kNames, Fact::kAttributes, Fact::kOpenBy, Fact::kXattrs};

const Kind kKinds[] = {
    {"xfs", "xfs", true, {"mkfs.xfs", "-q", "-f", "-m", "rmapbt=1,reflink=1"}},
    {"xfs_without_rmapbt", "xfs", false, {"mkfs.xfs", "-q", "-f", "-m", "rmapbt=0,reflink=1"}},
    {"ext4", "ext4", false, {"mkfs.ext4", "-q", "-F", "-b", "4096"}},
};

INSTANTIATE_TEST_SUITE_P(Kinds, OwnersTest, testing::ValuesIn(kKinds),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_P(OwnersTest, FileIsNamedByInodeGenerationAndOffset) {
  disk::write_file(at("a"), 3 * kOracleBlock);
  const auto ranges = disk::device_ranges(at("a"));
  ASSERT_FALSE(ranges.empty());
  const auto answer = resolve({{ranges[0].offset + 4096 + 512, 512}});
  ASSERT_THAT(answer, SizeIs(1));
  EXPECT_EQ(answer[0].device_range, (ByteRange{ranges[0].offset + 4096 + 512, 512}));
  EXPECT_THAT(answer[0].evidence, Contains("handle"));
  EXPECT_THAT(answer[0].evidence, Contains("fiemap"));
  ASSERT_THAT(answer[0].owners, SizeIs(1));
  const Owner& owner = answer[0].owners[0];
  EXPECT_EQ(owner.kind, OwnerKind::kFile) << owner.detail;
  EXPECT_EQ(owner.file->inode, inode("a"));
  EXPECT_NE(owner.file->generation, 0U);
  EXPECT_EQ(owner.file_offset, 4096U + 512U);
  EXPECT_FALSE(owner.shared);
  EXPECT_FALSE(owner.unwritten);
  EXPECT_THAT(owner.paths, IsEmpty());
  EXPECT_FALSE(owner.all_names);
}

TEST_P(OwnersTest, AllHardLinksAreFound) {
  std::filesystem::create_directories(at("d/e"));
  disk::write_file(at("a"), kOracleBlock);
  std::filesystem::create_hard_link(at("a"), at("d/b"));
  std::filesystem::create_hard_link(at("a"), at("d/e/c"));
  const Owner owner = owner_of("a", {Fact::kNames});
  EXPECT_THAT(names(owner), UnorderedElementsAre(at("a"), at("d/b"), at("d/e/c")));
  EXPECT_TRUE(owner.all_names);
}

TEST_P(OwnersTest, NameHiddenUnderAMountIsMissed) {
  std::filesystem::create_directories(at("covered"));
  disk::write_file(at("a"), kOracleBlock);
  std::filesystem::create_hard_link(at("a"), at("covered/b"));
  disk::run({"mount", "-t", "tmpfs", "none", at("covered")});
  const Owner owner = owner_of("a", {Fact::kNames});
  disk::run({"umount", at("covered")});
  EXPECT_THAT(names(owner), ElementsAre(at("a")));
  EXPECT_FALSE(owner.all_names);
}

TEST_P(OwnersTest, BindMountInsideTheTreeGivesNoSecondName) {
  std::filesystem::create_directories(at("d"));
  std::filesystem::create_directories(at("bound"));
  disk::write_file(at("d/a"), kOracleBlock);
  disk::run({"mount", "--bind", at("d"), at("bound")});
  const Owner owner = owner_of("d/a", {Fact::kNames});
  disk::run({"umount", at("bound")});
  EXPECT_THAT(names(owner), ElementsAre(at("d/a")));
  EXPECT_TRUE(owner.all_names);
}

TEST_P(OwnersTest, OddNamesComeBackAsTheyAre) {
  const std::string odd[] = {"new\nline", "not\xff\xfeutf8", "back\\slash", " ", std::string(255, 'n'),
                             "-rf",       "\x01\x7f"};
  for (const std::string& name : odd) {
    disk::write_file(at(name), kOracleBlock);
    const Owner owner = owner_of(name, {Fact::kNames});
    EXPECT_THAT(names(owner), ElementsAre(at(name)));
    EXPECT_TRUE(owner.all_names);
  }
}

TEST_P(OwnersTest, FactsAreFetchedOnRequest) {
  disk::write_file(at("a"), 5000);
  ASSERT_EQ(chmod(at("a").c_str(), 0640), 0);
  ASSERT_EQ(chown(at("a").c_str(), 123, 456), 0);
  ASSERT_EQ(setxattr(at("a").c_str(), "user.pmend.hold", "y\0z", 3, 0), 0);
  const auto fd = open_file(at("a"), O_RDONLY);
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const Owner owner = owner_of("a", kAllFacts);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(owner.attributes.has_value());
  EXPECT_EQ(*owner.attributes, (FileAttributes{123, 456, S_IFREG | 0640, 5000}));
  ASSERT_TRUE(owner.xattrs.has_value());
  EXPECT_THAT(*owner.xattrs, Contains(Xattr{"user.pmend.hold", std::string("y\0z", 3)}));
  ASSERT_TRUE(owner.open_by.has_value());
  ASSERT_THAT(*owner.open_by, SizeIs(1));  // the child that inherited it, not this process
  EXPECT_EQ(owner.open_by->at(0).pid, static_cast<std::uint32_t>(child));
  EXPECT_FALSE(owner.open_by->at(0).mapped);
  const Owner bare = owner_of("a");
  EXPECT_FALSE(bare.attributes || bare.xattrs || bare.open_by);
}

TEST_P(OwnersTest, UnwrittenSpaceIsToldFromData) {
  disk::preallocate(at("a"), 4 * kOracleBlock);
  const Owner owner = owner_of("a");
  EXPECT_EQ(owner.kind, OwnerKind::kFile) << owner.detail;
  EXPECT_TRUE(owner.unwritten);
}

TEST_P(OwnersTest, DeletedButOpenFileHasNoNameAndSaysSo) {
  disk::write_file(at("a"), kOracleBlock);
  const ByteRange block = disk::device_ranges(at("a")).at(0);
  const std::uint64_t number = inode("a");
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const int fd = open(at("a").c_str(), O_RDONLY);
    unlink(at("a").c_str());
    [[maybe_unused]] const ssize_t told = write(ready[1], fd < 0 ? "n" : "y", 1);
    pause();
    _exit(0);
  }
  char answer = 'n';
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  fs_->sync();
  const Owner owner = only_owner({block.offset, 512}, kAllFacts);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_EQ(answer, 'y');
  EXPECT_EQ(owner.kind, OwnerKind::kFile) << owner.detail;
  ASSERT_TRUE(owner.file.has_value());
  EXPECT_EQ(owner.file->inode, number);
  EXPECT_THAT(owner.detail, HasSubstr("deleted"));
  EXPECT_THAT(owner.paths, IsEmpty());
  EXPECT_FALSE(owner.all_names);
}

TEST_P(OwnersTest, DeletedFileIsNoOwnerOnceItIsGone) {
  disk::write_file(at("a"), kOracleBlock);
  const ByteRange block = disk::device_ranges(at("a")).at(0);
  fs_->sync();
  std::filesystem::remove(at("a"));
  const Owner at_once = only_owner({block.offset, 512});
  EXPECT_NE(at_once.kind, OwnerKind::kFile);
  // XFS frees blocks in the background.
  Owner later = at_once;
  for (int i = 0; i < 100 && later.kind != OwnerKind::kFree; ++i) {
    fs_->sync();
    usleep(20'000);
    later = only_owner({block.offset, 512});
  }
  EXPECT_EQ(later.kind, OwnerKind::kFree) << later.detail;
}

TEST_P(OwnersTest, WriteLeaseOfTheFileIsNotBroken) {
  disk::write_file(at("a"), kOracleBlock);
  const ByteRange block = disk::device_ranges(at("a")).at(0);
  signal(SIGIO, SIG_IGN);  // what breaking the lease would send
  const auto holder = open_file(at("a"), O_RDWR);
  ASSERT_TRUE(holder.has_value());
  ASSERT_EQ(fcntl(holder->get(), F_SETLEASE, F_WRLCK), 0);
  const Owner owner = only_owner({block.offset, 512}, kAllFacts);
  EXPECT_EQ(fcntl(holder->get(), F_GETLEASE), F_WRLCK);
  // Without opening it: XFS with rmapbt says so, and the inode of ext4 is read.
  if (GetParam().knows_all || !is_xfs()) {
    EXPECT_EQ(owner.kind, OwnerKind::kFile) << owner.detail;
    EXPECT_THAT(names(owner), ElementsAre(at("a")));
  } else {
    EXPECT_EQ(owner.kind, OwnerKind::kUnknown);
    EXPECT_THAT(owner.detail, HasSubstr("lease"));
  }
}

TEST_P(OwnersTest, SuperblockAndFreeSpaceAreNamed) {
  fs_->sync();
  const Owner superblock = only_owner({0, 512});
  if (is_xfs() && !GetParam().knows_all) {
    EXPECT_EQ(superblock.kind, OwnerKind::kUnknown);
    EXPECT_THAT(superblock.detail, HasSubstr("rmapbt"));
  } else {
    EXPECT_EQ(superblock.kind, OwnerKind::kMetadata);
    EXPECT_EQ(superblock.detail, "static file system metadata");
  }
  EXPECT_EQ(only_owner({bytes_ - 40960, 512}).kind, OwnerKind::kFree);
}

TEST_P(OwnersTest, DirectoryBlockIsMetadataOfItsInode) {
  std::filesystem::create_directories(at("dir"));
  for (int i = 0; i < 400; ++i) {
    disk::write_file(at("dir/some-longer-name-" + std::to_string(i)), 0);
  }
  fs_->sync();
  const auto whole = resolve({{0, bytes_}}, {Fact::kNames});
  const auto found = std::ranges::find_if(whole, [this](const OwnedRange& range) {
    return range.owners[0].file && range.owners[0].file->inode == inode("dir");
  });
  if (is_xfs() && !GetParam().knows_all) {
    EXPECT_EQ(found, whole.end());
    return;
  }
  ASSERT_NE(found, whole.end());
  EXPECT_EQ(found->owners[0].kind, OwnerKind::kMetadata);
  EXPECT_EQ(found->owners[0].detail, "directory");
  EXPECT_THAT(names(found->owners[0]), ElementsAre(at("dir")));
  EXPECT_TRUE(found->owners[0].all_names);
}

TEST_P(OwnersTest, AttributeBlockIsNeverTakenForData) {
  disk::write_file(at("a"), kOracleBlock);
  const std::string value(3000, 'v');
  ASSERT_EQ(setxattr(at("a").c_str(), "user.big", value.data(), value.size(), 0), 0);
  fs_->sync();
  const auto ranges = disk::attribute_ranges(at("a"));
  ASSERT_FALSE(ranges.empty());
  const Owner owner = only_owner({ranges[0].offset, 512});
  if (GetParam().knows_all || !is_xfs()) {
    EXPECT_EQ(owner.kind, OwnerKind::kMetadata);
    EXPECT_EQ(owner.detail, "extended attributes");
    EXPECT_EQ(owner.file->inode, inode("a"));
  } else {
    EXPECT_EQ(owner.kind, OwnerKind::kUnknown);
    EXPECT_FALSE(owner.detail.empty());
  }
}

TEST_P(OwnersTest, LongSymbolicLinkIsNeverTakenForAFile) {
  std::filesystem::create_symlink(std::string(1000, 't'), at("link"));
  fs_->sync();
  const auto whole = resolve({{0, bytes_}});
  for (const OwnedRange& range : whole) {
    for (const Owner& owner : range.owners) {
      if (owner.file && owner.file->inode == inode("link")) {
        EXPECT_EQ(owner.kind, OwnerKind::kMetadata);
        EXPECT_EQ(owner.detail, "symbolic link");
      }
    }
  }
}

TEST_P(OwnersTest, ManyRangesOfAFileOfManyExtentsInOneQuestion) {
  constexpr std::uint64_t kExtents = 20000;
  disk::write_fragmented(at("many"), kExtents);
  disk::write_file(at("other"), kOracleBlock);
  const auto ranges = disk::device_ranges(at("many"));
  ASSERT_GE(ranges.size(), kExtents * 9 / 10);
  std::vector<ByteRange> asked;
  for (std::size_t i = 0; i < 200; ++i) {
    asked.push_back({ranges[i * 90].offset + 512, 512});
  }
  const auto answer = resolve(asked, {Fact::kNames});
  ASSERT_THAT(answer, SizeIs(200));
  for (const OwnedRange& range : answer) {
    ASSERT_THAT(range.owners, SizeIs(1));
    EXPECT_EQ(range.owners[0].file->inode, inode("many"));
    EXPECT_THAT(names(range.owners[0]), ElementsAre(at("many")));
  }
}

TEST_P(OwnersTest, SharedExtentHasAllItsOwners) {
  if (!is_xfs()) {
    GTEST_SKIP() << "no reflink on ext4";
  }
  disk::write_file(at("a"), 8 * kOracleBlock);
  disk::run({"cp", "--reflink=always", at("a"), at("b")});
  disk::run({"cp", "--reflink=always", at("a"), at("c")});
  std::filesystem::create_hard_link(at("c"), at("c2"));
  // Now only the first half is shared by all three.
  disk::run(
      {"dd", "if=/dev/urandom", "of=" + at("b"), "bs=4096", "seek=4", "count=4", "conv=notrunc,fsync", "status=none"});
  fs_->sync();
  const ByteRange file = disk::device_ranges(at("a")).at(0);
  const auto answer = resolve({{file.offset, 8 * kOracleBlock}}, {Fact::kNames});
  ASSERT_THAT(answer, SizeIs(2));
  EXPECT_EQ(answer[0].device_range.length, 4 * kOracleBlock);
  ASSERT_THAT(answer[0].owners, SizeIs(3));
  ASSERT_THAT(answer[1].owners, SizeIs(2));
  std::vector<std::string> all;
  for (const Owner& owner : answer[0].owners) {
    EXPECT_TRUE(owner.shared);
    EXPECT_TRUE(owner.all_names);
    std::ranges::copy(names(owner), std::back_inserter(all));
  }
  EXPECT_THAT(all, UnorderedElementsAre(at("a"), at("b"), at("c"), at("c2")));
}

TEST_P(OwnersTest, StoppedSearchLeavesTheRestUnknown) {
  for (int i = 0; i < 200; ++i) {
    disk::write_file(at("file" + std::to_string(i)), kOracleBlock);
  }
  ResolveOptions options;
  options.stop = [] { return true; };
  const ByteRange block = disk::device_ranges(at("file150")).at(0);
  const auto answer = resolver_->resolve(fs_->ref(), {{block.offset, 512}}, options);
  ASSERT_TRUE(answer.has_value());
  const Owner& owner = answer->at(0).owners.at(0);
  if (GetParam().knows_all) {
    EXPECT_EQ(owner.kind, OwnerKind::kFile);
  } else if (owner.kind != OwnerKind::kFile) {
    EXPECT_EQ(owner.kind, OwnerKind::kUnknown);
    EXPECT_THAT(owner.detail, HasSubstr("stopped"));
  }
}

TEST_P(OwnersTest, WithoutTimeForNamesTheOwnerIsKnownAllTheSame) {
  disk::write_file(at("a"), kOracleBlock);
  const ResolveOptions options{.facts = {Fact::kNames, Fact::kAttributes}, .names_limit = std::chrono::seconds(0)};
  const ByteRange place{disk::device_ranges(at("a")).at(0).offset, 512};
  fs_->remount();
  const auto answer = resolver_->resolve(fs_->ref(), {place}, options);
  ASSERT_TRUE(answer.has_value());
  const Owner& owner = answer->at(0).owners.at(0);
  EXPECT_EQ(owner.kind, OwnerKind::kFile);
  EXPECT_EQ(owner.file->inode, inode("a"));
  EXPECT_THAT(owner.paths, IsEmpty());
  EXPECT_FALSE(owner.all_names);
  EXPECT_TRUE(owner.attributes.has_value());
}

TEST_P(OwnersTest, AnotherFileSystemOnTheMountPointIsNoticed) {
  MountedFileSystem wrong = fs_->ref();
  wrong.device += 1;
  const auto answer = resolver_->resolve(wrong, {{0, 512}}, {});
  ASSERT_FALSE(answer.has_value());
  EXPECT_TRUE(answer.error().is(Errc::kStale));
}

TEST_P(OwnersTest, TypeWhoseAddressesMayBeOfAnyDeviceIsUnknownWithAReason) {
  disk::write_file(at("a"), kOracleBlock);
  MountedFileSystem other = fs_->ref();
  other.ref.type = "bcachefs";
  const auto answer = resolver_->resolve(other, {disk::device_ranges(at("a")).at(0)}, {});
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->at(0).owners.at(0).kind, OwnerKind::kUnknown);
  EXPECT_THAT(answer->at(0).owners[0].detail, HasSubstr("bcachefs does not say where files lie"));
  EXPECT_TRUE(locate_file(other, at("a"), {}).error().is(Errc::kUnsupported));
}

TEST_P(OwnersTest, TypeThatIsNotKnownIsAskedByFiemapAlone) {
  std::filesystem::create_directories(at("d"));
  disk::write_file(at("d/a"), 2 * kOracleBlock);
  const auto place = disk::device_ranges(at("d/a")).at(0);
  MountedFileSystem other = fs_->ref();
  other.ref.type = "something";
  ResolveOptions options;
  options.facts = {Fact::kNames};
  const auto answer = resolver_->resolve(other, {{place.offset + 4096, 512}, {0, 512}}, options);
  ASSERT_TRUE(answer.has_value());
  ASSERT_THAT(*answer, SizeIs(2));
  EXPECT_EQ(answer->at(0).owners.at(0).kind, OwnerKind::kUnknown);
  EXPECT_EQ(answer->at(1).owners.at(0).file_offset, 4096U);
  EXPECT_THAT(names(answer->at(1).owners[0]), ElementsAre(at("d/a")));
  EXPECT_TRUE(answer->at(1).owners[0].all_names);
}

TEST_P(OwnersTest, LocatingAFileIsTheOtherWayRound) {
  disk::write_fragmented(at("a"), 10);
  fs_->sync();
  const auto located = locate_file(fs_->ref(), at("a"), {});
  ASSERT_TRUE(located.has_value()) << located.error().message();
  ASSERT_THAT(*located, SizeIs(disk::device_ranges(at("a")).size()));
  for (const Owner& owner : *located) {
    const Owner back = only_owner(owner.device_range);
    EXPECT_EQ(back.file, owner.file);
    EXPECT_EQ(back.file_offset, owner.file_offset);
  }
  std::filesystem::create_symlink("a", at("link"));
  EXPECT_TRUE(locate_file(fs_->ref(), at("link"), {}).error().is(Errc::kInvalid));
  EXPECT_TRUE(locate_file(fs_->ref(), "/proc/self/maps", {}).error().is(Errc::kStale));
}

}  // namespace
}  // namespace pmend::rmap
