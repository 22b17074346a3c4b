// SPDX-License-Identifier: Apache-2.0
#include "medium/open_files.hpp"

#include <gtest/gtest.h>

namespace pmend::medium {
namespace {

std::string read_all(OpenFiles& files, std::uint64_t handle, const char* text) {
  return files.read(handle, 0, 100, [&] { return std::string(text); });
}

TEST(OpenFiles, NothingIsSeenBeforeTheFirstRead) {
  OpenFiles files;
  const auto handle = files.open(File::kBadblocks);
  EXPECT_TRUE(files.poll(handle, nullptr));
  EXPECT_EQ(read_all(files, handle, "8 1\n"), "8 1\n");
  EXPECT_FALSE(files.poll(handle, nullptr));
}

TEST(OpenFiles, AChangeIsReportedUntilItIsRead) {
  OpenFiles files;
  const auto handle = files.open(File::kBadblocks);
  const auto other = files.open(File::kBadblocks);
  read_all(files, handle, "");
  read_all(files, other, "");
  files.changed(File::kBadblocks);
  EXPECT_TRUE(files.poll(handle, nullptr));
  EXPECT_TRUE(files.poll(handle, nullptr));
  read_all(files, handle, "");
  EXPECT_FALSE(files.poll(handle, nullptr));
  EXPECT_TRUE(files.poll(other, nullptr));
}

TEST(OpenFiles, FilesHaveTheirOwnEvents) {
  OpenFiles files;
  const auto handle = files.open(File::kGate);
  read_all(files, handle, "");
  files.changed(File::kBadblocks);
  EXPECT_FALSE(files.poll(handle, nullptr));
}

TEST(OpenFiles, AChangeDuringTheReadIsNotLost) {
  OpenFiles files;
  const auto handle = files.open(File::kBadblocks);
  files.read(handle, 0, 100, [&] {
    files.changed(File::kBadblocks);
    return std::string("old");
  });
  EXPECT_TRUE(files.poll(handle, nullptr));
}

TEST(OpenFiles, LaterPiecesAreOfTheTextThatTheFirstReadGave) {
  OpenFiles files;
  const auto handle = files.open(File::kPoison);
  const auto fresh = [] { return std::string("abcdef"); };
  const auto never = [] { return std::string("NEVER!"); };
  EXPECT_EQ(files.read(handle, 0, 2, fresh), "ab");
  EXPECT_EQ(files.read(handle, 2, 100, never), "cdef");
  EXPECT_EQ(files.read(handle, 6, 100, never), "");
  EXPECT_EQ(files.read(handle, ~std::uint64_t{0}, 100, never), "");
}

}  // namespace
}  // namespace pmend::medium
