// SPDX-License-Identifier: Apache-2.0
#include "kernel/rmap/extent_oracle.hpp"
#include "kernel/rmap/index_fixture.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

// Each way to find owners, and each way to find names, is taken alone on each file system that it serves.
namespace pmend::rmap {
namespace {

using protocol::Fact;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using Paths = std::set<std::string>;

class MethodsTest : public IndexTest {
 protected:
  std::vector<OwnedRange> ask(const std::vector<ByteRange>& ranges, const ResolveOptions& options) {
    auto answer = resolver_->resolve(fs_->ref(), ranges, options);
    EXPECT_TRUE(answer.has_value()) << answer.error().message();
    return answer ? std::move(*answer) : std::vector<OwnedRange>();
  }

  void fill() {
    fill_with_all_shapes(*fs_, GetParam().block_bytes);
    if (is_xfs()) {
      disk::run({"cp", "--reflink=always", at("interleaved-a"), at("reflink")});
      fs_->sync();
    }
  }

  // Ways that name every owner of file data here, and their words.
  std::vector<std::pair<OwnerMethod, std::string>> owner_methods() const {
    std::vector<std::pair<OwnerMethod, std::string>> methods = {{OwnerMethod::kTreeWalk, "walk"}};
    methods.push_back(is_xfs() ? std::pair(OwnerMethod::kBulkstat, std::string("bulkstat"))
                               : std::pair(OwnerMethod::kInodeTables, std::string("inode-tables")));
    if (GetParam().has_reverse_map()) {
      methods.emplace_back(OwnerMethod::kSpaceMap, "getfsmap");
    }
    return methods;
  }

  std::vector<std::pair<NameMethod, std::string>> name_methods() const {
    std::vector<std::pair<NameMethod, std::string>> methods = {{NameMethod::kTreeWalk, "name-walk"},
                                                               {NameMethod::kPath, "known-path"},
                                                               {NameMethod::kDirectory, "directory"},
                                                               {NameMethod::kConnectableHandle, "connectable-handle"}};
    if (GetParam().has_parent_pointers()) {
      methods.emplace_back(NameMethod::kParentPointers, "parent-pointers");
    }
    return methods;
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, MethodsTest, testing::ValuesIn(indexed_kinds()),
                         [](const auto& param) { return std::string(param.param.name); });

using FileOwners = std::set<std::pair<std::uint64_t, std::uint64_t>>;  // inode, file offset

FileOwners files_of(const OwnedRange& range, std::uint64_t done) {
  FileOwners owners;
  for (const Owner& owner : range.owners) {
    if (owner.kind == OwnerKind::kFile) {
      owners.emplace(owner.file->inode, *owner.file_offset + done);
    }
  }
  return owners;
}

// How many blocks of files are answered otherwise than the files say themselves, both ways.
std::uint64_t count_wrong(const std::vector<OwnedRange>& answer, const disk::BlockOwners& expected,
                          std::uint64_t block) {
  std::uint64_t wrong = 0;
  for (const OwnedRange& range : answer) {
    for (std::uint64_t done = 0; done < range.device_range.length; done += block) {
      FileOwners owners;
      const auto claimed = expected.find(range.device_range.offset + done);
      for (const disk::BlockOwner& one : claimed == expected.end() ? std::set<disk::BlockOwner>() : claimed->second) {
        if (!one.directory) {
          owners.emplace(one.inode, one.file_offset);
        }
      }
      wrong += files_of(range, done) == owners ? 0U : 1U;
    }
  }
  return wrong;
}

TEST_P(MethodsTest, EachWayToFindOwnersNamesAllFilesAndItself) {
  fill();
  const disk::BlockOwners expected = disk::ask_every_file(fs_->path(), GetParam().block_bytes);
  for (const auto& [method, word] : owner_methods()) {
    ResolveOptions options;
    options.only_owners_by = method;
    const auto answer = ask({{0, bytes_}}, options);
    EXPECT_EQ(count_wrong(answer, expected, GetParam().block_bytes), 0U) << word;
    for (const OwnedRange& range : answer) {
      if (range.owners[0].kind == OwnerKind::kFile) {
        EXPECT_THAT(range.evidence, Contains(word));
        EXPECT_EQ(std::ranges::count(range.evidence, "getfsmap"), word == "getfsmap" ? 1 : 0) << word;
      }
    }
  }
}

TEST_P(MethodsTest, WayThatServesAnotherFileSystemFindsNobody) {
  disk::write_file(at("a"), GetParam().block_bytes);
  ResolveOptions options;
  options.facts = {Fact::kNames};
  options.only_owners_by = is_xfs() ? OwnerMethod::kInodeTables : OwnerMethod::kBulkstat;
  const auto range = disk::device_ranges(at("a")).at(0);
  const auto unknown = ask({range}, options);
  ASSERT_THAT(unknown, SizeIs(1));
  EXPECT_EQ(unknown[0].owners.at(0).kind, OwnerKind::kUnknown);
  EXPECT_THAT(unknown[0].owners[0].detail, testing::HasSubstr("for another file system"));
  if (!GetParam().has_parent_pointers()) {
    options.only_owners_by.reset();
    options.only_names_by = NameMethod::kParentPointers;
    const auto nameless = ask({range}, options);
    EXPECT_EQ(nameless.at(0).owners.at(0).kind, OwnerKind::kFile);
    EXPECT_THAT(nameless[0].owners[0].paths, IsEmpty());
    EXPECT_FALSE(nameless[0].owners[0].all_names);
  }
}

// The first block of every file and directory that has one, and all names by inode; with code of its own.
struct NameOracle {
  std::vector<ByteRange> blocks;
  std::map<std::uint64_t, Paths> names;

  explicit NameOracle(const std::string& root) {
    add(root);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      add(entry.path());
    }
  }

  void add(const std::string& path) {
    struct stat status = {};
    ASSERT_EQ(lstat(path.c_str(), &status), 0);
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
      const auto ranges = disk::device_ranges(path);
      if (!ranges.empty() && names[status.st_ino].empty()) {
        blocks.push_back({ranges[0].offset, 512});
      }
      names[status.st_ino].insert(path);
    }
  }
};

Paths paths_of(const Owner& owner) {
  Paths paths;
  for (const FilePath& path : owner.paths) {
    paths.insert(path.bytes);
  }
  return paths;
}

TEST_P(MethodsTest, EachWayToFindNamesFindsAllAndNamesItself) {
  fill();
  const NameOracle oracle(fs_->path());
  ASSERT_GT(oracle.blocks.size(), 300U);
  for (const auto& [method, word] : name_methods()) {
    ResolveOptions options;
    options.facts = {Fact::kNames};
    options.only_names_by = method;
    std::uint64_t asked = 0;
    std::uint64_t linked = 0;
    for (const OwnedRange& range : ask(oracle.blocks, options)) {
      const Owner& owner = range.owners.at(0);
      if (!owner.file || range.owners.size() != 1) {
        continue;
      }
      const Paths& expected = oracle.names.at(owner.file->inode);
      const bool directory = owner.kind != OwnerKind::kFile;
      if (directory && method == NameMethod::kDirectory) {
        continue;  // of files alone
      }
      if (method == NameMethod::kPath && (directory || expected.size() > 1)) {
        EXPECT_THAT(range.evidence, Not(Contains(word)));
        linked += expected.size() > 1 ? 1U : 0U;
        continue;
      }
      ++asked;
      linked += expected.size() > 1 ? 1U : 0U;
      EXPECT_THAT(range.evidence, Contains(word));
      if (method == NameMethod::kConnectableHandle && expected.size() > 1) {
        EXPECT_TRUE(std::ranges::includes(expected, paths_of(owner)) && !owner.paths.empty()) << owner.file->inode;
        continue;
      }
      EXPECT_EQ(paths_of(owner), expected) << word;
      EXPECT_TRUE(owner.all_names) << word;
    }
    EXPECT_GT(asked, 250U) << word;
    EXPECT_GT(linked, 10U) << word;
  }
}

TEST_P(MethodsTest, KnownPathIsTheOneOfNow) {
  std::filesystem::create_directories(at("d"));
  disk::write_file(at("d/a"), 4096);
  fs_->sync();
  const ByteRange place{disk::device_ranges(at("d/a")).at(0).offset, 512};
  ResolveOptions options;
  options.facts = {Fact::kNames};
  options.only_names_by = NameMethod::kPath;
  EXPECT_THAT(ask({place}, options).at(0).owners.at(0).paths, ElementsAre(FilePath{at("d/a")}));
  std::filesystem::rename(at("d"), at("e"));
  std::filesystem::rename(at("e/a"), at("e/b"));
  EXPECT_THAT(ask({place}, options).at(0).owners.at(0).paths, ElementsAre(FilePath{at("e/b")}));
  std::filesystem::create_hard_link(at("e/b"), at("c"));
  EXPECT_THAT(ask({place}, options).at(0).owners.at(0).paths, IsEmpty());  // one of two is not all
  std::filesystem::remove(at("e/b"));
  const auto left = ask({place}, options).at(0).owners.at(0);
  EXPECT_TRUE(left.paths.empty() || left.paths == std::vector{FilePath{at("c")}});
  fs_->remount();
  EXPECT_THAT(ask({place}, options).at(0).owners.at(0).paths, IsEmpty());  // forgotten, and never guessed
}

}  // namespace
}  // namespace pmend::rmap
