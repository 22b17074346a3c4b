// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/unique_fd.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

namespace pmend {
namespace {

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "pmend-fd-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
};

TEST_F(FileTest, OpenedDescriptorsAreNotInheritedByPrograms) {
  const auto fd = open_file(directory_ / "a", O_RDWR | O_CREAT);
  ASSERT_TRUE(fd.has_value());
  EXPECT_NE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(FileTest, ErrorNamesThePath) {
  const auto fd = open_file(directory_ / "missing", O_RDONLY);
  ASSERT_FALSE(fd.has_value());
  EXPECT_TRUE(fd.error().is_errno(ENOENT));
  EXPECT_NE(fd.error().message().find("missing"), std::string::npos);
}

TEST_F(FileTest, MovedFromDescriptorIsNotClosedTwice) {
  auto fd = open_file(directory_ / "a", O_RDWR | O_CREAT);
  ASSERT_TRUE(fd.has_value());
  const int number = fd->get();
  {
    const UniqueFd owner = std::move(*fd);
    EXPECT_EQ(owner.get(), number);
  }
  EXPECT_EQ(fcntl(number, F_GETFD), -1);
  EXPECT_FALSE(static_cast<bool>(*fd));
}

TEST_F(FileTest, ReadingPastTheEndIsIncompleteNotShort) {
  const auto fd = open_file(directory_ / "a", O_RDWR | O_CREAT);
  ASSERT_TRUE(fd.has_value());
  const std::array<std::byte, 8> data{};
  ASSERT_TRUE(write_exactly(fd->get(), data, 0).has_value());
  std::array<std::byte, 9> buffer{};
  const auto read = read_exactly(fd->get(), buffer, 0);
  ASSERT_FALSE(read.has_value());
  EXPECT_TRUE(read.error().is(Errc::kIncomplete));
}

TEST_F(FileTest, ReplaceLeavesOnlyTheNewContent) {
  const std::string path = directory_ / "state";
  ASSERT_TRUE(replace_file(path, "a long first version").has_value());
  ASSERT_TRUE(replace_file(path, "short").has_value());
  EXPECT_EQ(read_text_file(path).value(), "short");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
}

TEST_F(FileTest, FailedReplaceKeepsTheOldContent) {
  const std::string path = directory_ / "state";
  ASSERT_TRUE(replace_file(path, "old").has_value());
  std::filesystem::create_directory(path + ".new");
  EXPECT_FALSE(replace_file(path, "new").has_value());
  EXPECT_EQ(read_text_file(path).value(), "old");
}

TEST_F(FileTest, LongFilesAreRefusedNotCut) {
  const std::string path = directory_ / "long";
  ASSERT_TRUE(replace_file(path, std::string(2000, 'x')).has_value());
  EXPECT_FALSE(read_text_file(path, 1999).has_value());
  EXPECT_EQ(read_text_file(path, 2000).value().size(), 2000U);
}

}  // namespace
}  // namespace pmend
