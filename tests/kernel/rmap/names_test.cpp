// SPDX-License-Identifier: Apache-2.0
#include "kernel/rmap/extent_oracle.hpp"
#include "kernel/rmap/index_fixture.hpp"
#include "pmend/kernel/handles.hpp"
#include "pmend/kernel/xfs_parents.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

// What is particular to names on XFS: parent pointers, and a table that a walk leaves behind.
namespace pmend::rmap {
namespace {

using protocol::Fact;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class XfsNamesTest : public IndexTest {
 protected:
  // While the kernel does not know the name any more.
  OwnedRange named(const std::string& name) {
    const ByteRange place{disk::device_ranges(at(name)).at(0).offset, 512};
    fs_->remount();
    const auto answer = resolve({place}, {Fact::kNames});
    EXPECT_THAT(answer, SizeIs(1));
    EXPECT_TRUE(!answer.empty() && answer[0].owners.size() == 1);
    return answer.empty() ? OwnedRange() : answer[0];
  }
  static std::vector<std::string> names_in(const OwnedRange& range) {
    std::vector<std::string> names;
    for (const FilePath& path : range.owners.at(0).paths) {
      names.push_back(path.bytes);
    }
    return names;
  }
};
INSTANTIATE_TEST_SUITE_P(Kinds, XfsNamesTest,
                         testing::ValuesIn(indexed_kinds([](const IndexedKind& kind) { return kind.is_xfs(); })),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_P(XfsNamesTest, TreeIsWalkedOnceAtMostAndNeverWithParentPointers) {
  std::filesystem::create_directories(at("d/e"));
  disk::write_file(at("d/e/a"), 4096);
  disk::write_file(at("d/b"), 4096);
  const std::string first = GetParam().has_parent_pointers() ? "parent-pointers" : "name-walk";
  const std::string then = GetParam().has_parent_pointers() ? "parent-pointers" : "connectable-handle";
  EXPECT_THAT(named("d/e/a").evidence, Contains(first));
  for (const char* name : {"d/b", "d/e/a"}) {
    const OwnedRange range = named(name);
    EXPECT_THAT(range.evidence, Contains(then));
    EXPECT_THAT(names_in(range), ElementsAre(at(name)));
    EXPECT_TRUE(range.owners[0].all_names);
  }
  // Directories are found by their handle, however they are called by then.
  std::filesystem::rename(at("d"), at("c"));
  EXPECT_THAT(names_in(named("c/e/a")), ElementsAre(at("c/e/a")));
  // What the table does not know of is found all the same, and known from then on.
  std::filesystem::create_hard_link(at("c/e/a"), at("link"));
  for (int i = 0; i < 2; ++i) {
    const OwnedRange range = named("link");
    EXPECT_THAT(names_in(range), UnorderedElementsAre(at("c/e/a"), at("link")));
    EXPECT_TRUE(range.owners[0].all_names);
    EXPECT_THAT(range.evidence, Contains(GetParam().has_parent_pointers() ? first : i == 0 ? first : "directory"));
  }
  std::filesystem::remove(at("link"));
  std::filesystem::rename(at("c/e/a"), at("moved"));
  EXPECT_THAT(names_in(named("moved")), ElementsAre(at("moved")));
}

TEST_P(XfsNamesTest, TableOutlivesItsProcessBesideTheIndex) {
  std::filesystem::create_directories(at("d"));
  disk::write_file(at("d/a"), 4096);
  const IndexOptions options{*directory_ / "index", 1U << 20U};
  resolver_ = make_owner_resolver(options);
  named("d/a");
  resolver_ = make_owner_resolver(options);
  EXPECT_THAT(named("d/a").evidence,
              Contains(GetParam().has_parent_pointers() ? "parent-pointers" : "connectable-handle"));
  if (!GetParam().has_reverse_map()) {
    EXPECT_THAT(named("d/a").evidence, Contains("index"));
    // A new index does not cost the table.
    disk::write_file(at("d/b"), 4096);
    EXPECT_THAT(named("d/b").evidence, Not(Contains("index")));
    EXPECT_THAT(named("d/a").evidence, Contains("connectable-handle"));
  }
}

TEST_P(XfsNamesTest, NamesOutsideOfTheMountAreNotGiven) {
  std::filesystem::create_directories(at("inside/d"));
  std::filesystem::create_directories(*directory_ / "part");
  disk::write_file(at("inside/d/a"), 4096);
  std::filesystem::create_hard_link(at("inside/d/a"), at("outside"));
  const ByteRange place = disk::device_ranges(at("outside")).at(0);
  disk::run({"mount", "--bind", at("inside"), *directory_ / "part"});
  MountedFileSystem part = fs_->ref();
  part.ref.mount_point = *directory_ / "part";
  ResolveOptions options;
  options.facts = {Fact::kNames};
  for (int i = 0; i < 2; ++i) {
    const auto answer = resolver_->resolve(part, {place}, options);
    ASSERT_TRUE(answer.has_value()) << answer.error().message();
    EXPECT_THAT(names_in(answer->at(0)), ElementsAre(*directory_ / "part/d/a"));
    EXPECT_FALSE(answer->at(0).owners[0].all_names);
  }
  disk::run({"umount", *directory_ / "part"});
}

TEST_P(XfsNamesTest, ParentsOfManyLongNamesComeInSeveralAnswers) {
  std::filesystem::create_directories(at("d"));
  disk::write_file(at("a"), 4096);
  for (int i = 0; i < 300; ++i) {
    std::filesystem::create_hard_link(at("a"), at("d/" + std::string(240, 'n') + std::to_string(i)));
  }
  EXPECT_GT(names_in(named("a")).size(), 50U) << "as many as fit into an answer";
  const UniqueFd root = open_file(fs_->path(), O_RDONLY | O_DIRECTORY).value();
  const UniqueFd file = open_file(at("a"), O_RDONLY).value();
  const auto id = kernel::identify(file.get()).value();
  const auto parents = kernel::xfs_parents(root.get(), id, 1000);
  if (!GetParam().has_parent_pointers()) {
    EXPECT_TRUE(parents.error().is_errno(EOPNOTSUPP) || parents.error().is_errno(ENOTTY)) << parents.error().message();
    return;
  }
  EXPECT_THAT(parents.value(), SizeIs(301));
  EXPECT_THAT(kernel::xfs_parents(root.get(), id, 3).value(), SizeIs(3));
  EXPECT_THAT(kernel::xfs_parents(root.get(), kernel::identify(root.get()).value(), 3).value(), SizeIs(0));
  EXPECT_TRUE(kernel::xfs_parents(root.get(), {id.inode, id.generation + 1}, 3).error().is_errno(ESTALE));
}

// Numbers of inodes that need more than 32 bits, of which the table keeps no more.
TEST(LargeXfsNames, TableServesLargeNumbersToo) {
  if (const std::string why = disk::prepare(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const disk::TempDirectory directory;
  const disk::Loop loop(directory / "image", 5ULL << 40U);
  const disk::Mounted fs(loop.node(), directory / "mnt", "xfs",
                         {"mkfs.xfs", "-q", "-f", "-K", "-d", "agcount=6", "-l", "size=64m", "-m", "rmapbt=1"});
  bool large = false;
  const auto resolver = make_owner_resolver();
  for (int i = 0; i < 8; ++i) {
    const std::string name = fs / ("d" + std::to_string(i) + "/a");
    std::filesystem::create_directories(fs / ("d" + std::to_string(i)));
    disk::write_file(name, 4096);
    struct stat status = {};
    ASSERT_EQ(stat(name.c_str(), &status), 0);
    large = large || status.st_ino >> 32U != 0;
  }
  EXPECT_TRUE(large);
  ResolveOptions options;
  options.facts = {Fact::kNames};
  for (int i = 0; i < 8; ++i) {
    const std::string name = fs / ("d" + std::to_string(i) + "/a");
    const ByteRange place = disk::device_ranges(name).at(0);
    fs.remount();
    const auto answer = resolver->resolve(fs.ref(), {place}, options);
    ASSERT_TRUE(answer.has_value());
    EXPECT_THAT(answer->at(0).owners.at(0).paths, ElementsAre(FilePath{name}));
    EXPECT_THAT(answer->at(0).evidence, Contains(i == 0 ? "name-walk" : "connectable-handle"));
  }
}

}  // namespace
}  // namespace pmend::rmap
