// SPDX-License-Identifier: Apache-2.0
// All files of a file system, by name and part by part.
#include "pmend/rmap/list_files.hpp"

#include "kernel/rmap/disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace pmend::rmap {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ListFiles : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (const std::string why = disk::prepare(); !why.empty()) {
      GTEST_SKIP() << why;
    }
    directory_ = std::make_unique<disk::TempDirectory>();
    loop_ = std::make_unique<disk::Loop>(*directory_ / "image", 512U << 20U);
    fs_ = std::make_unique<disk::Mounted>(loop_->node(), *directory_ / "mnt", GetParam(), mkfs());
    std::filesystem::remove_all(at("lost+found"));
  }

  static std::vector<std::string> mkfs() { return {std::string("mkfs.") + GetParam(), "-q"}; }
  std::string at(const std::string& name) const { return *fs_ / name; }
  void touch(const std::string& name) {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    std::ofstream(at(name)) << "x";
  }
  FileNames list(const std::string& after, std::size_t most_bytes) {
    auto listed = list_files(fs_->ref(), {}, after, most_bytes);
    EXPECT_TRUE(listed.has_value()) << listed.error().message();
    return listed ? std::move(*listed) : FileNames{};
  }
  // In parts of so many bytes.
  std::vector<std::string> all(std::size_t most_bytes) {
    std::vector<std::string> names;
    for (FileNames part;;) {
      part = list(names.empty() ? "" : names.back(), most_bytes);
      names.insert(names.end(), part.names.begin(), part.names.end());
      EXPECT_THAT(part.not_seen, IsEmpty());
      if (!part.more) {
        return names;
      }
      if (part.names.empty()) {
        ADD_FAILURE() << "a part without names says there are more";
        return names;
      }
    }
  }

  std::unique_ptr<disk::TempDirectory> directory_;
  std::unique_ptr<disk::Loop> loop_;
  std::unique_ptr<disk::Mounted> fs_;
};

TEST_P(ListFiles, EveryRegularFileUnderEachOfItsNamesInWhateverParts) {
  for (const char* name : {"a", "a!/x", "d/b/c", "d/b.d", "b\xff\n", "z/deep/er/file"}) {
    touch(name);
  }
  ASSERT_EQ(link(at("a").c_str(), at("z/again").c_str()), 0);
  ASSERT_EQ(symlink("a", at("link").c_str()), 0);
  ASSERT_EQ(mkfifo(at("fifo").c_str(), 0600), 0);
  std::filesystem::create_directories(at("empty/empty"));
  const std::vector<std::string> names = {"a", "a!/x", "b\xff\n", "d/b/c", "d/b.d", "z/again", "z/deep/er/file"};
  for (const std::size_t part : {1U, 8U, 20U, 1U << 20U}) {
    EXPECT_EQ(all(part), names) << "in parts of " << part;
  }
}

TEST_P(ListFiles, ALongDirectoryIsReadSeveralTimesRatherThanKept) {
  std::vector<std::string> expected;
  for (int i = 0; i < 20'000; ++i) {
    expected.push_back("long/" + std::to_string(i) + std::string(180, 'n'));
    if (i == 0) {
      std::filesystem::create_directory(at("long"));
    }
    ASSERT_EQ(mknod(at(expected.back()).c_str(), S_IFREG | 0600, 0), 0);
  }
  touch("long/7/inside");
  expected.push_back("long/7/inside");
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(all(256U << 10U), expected);
}

TEST_P(ListFiles, GoesOnWhereTheLastPartEndedThoughThatIsGone) {
  for (const char* name : {"a/1", "a/2", "b", "c"}) {
    touch(name);
  }
  ASSERT_THAT(list("", 1).names, ElementsAre("a/1"));
  std::filesystem::remove_all(at("a"));
  EXPECT_THAT(list("a/1", 1000).names, ElementsAre("b", "c"));
  touch("a");
  EXPECT_THAT(list("a/1", 1000).names, ElementsAre("b", "c")) << "a file now, which comes before what was in it";
}

TEST_P(ListFiles, SaysWhatItCannotSee) {
  touch("under/hidden");
  touch("z");
  const disk::Loop other(*directory_ / "other", 512U << 20U);
  const disk::Mounted over(other.node(), at("under"), GetParam(), mkfs());
  const FileNames listed = list("", 1000);
  EXPECT_THAT(listed.names, ElementsAre("z"));
  EXPECT_THAT(listed.not_seen, ElementsAre(HasSubstr("under")));
}

INSTANTIATE_TEST_SUITE_P(Kernel, ListFiles, testing::Values("xfs", "ext4"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
}  // namespace pmend::rmap
