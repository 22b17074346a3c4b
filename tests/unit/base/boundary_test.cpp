// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/boundary.hpp"

#include "pmend/base/unique_fd.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace pmend {
namespace {

#ifndef PMEND_NO_BOUNDARIES

class BoundaryTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "pmend-boundary-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    std::ofstream(token()).flush();
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string token() const { return directory_ / "token"; }
  std::string log() const { return directory_ / "log"; }

  // Passes three boundaries in a child; returns at how many of them it had stopped when it ended.
  int pass_three(const std::string& stop_at) const {
    const pid_t pid = fork();
    if (pid == 0) {
      setenv("PMEND_STOP_AT", stop_at.c_str(), 1);
      setenv("PMEND_BOUNDARY_TOKEN", token().c_str(), 1);
      setenv("PMEND_BOUNDARY_LOG", log().c_str(), 1);
      boundary("before there is a role");
      begin_boundaries("first");
      boundary("one");
      std::thread([] {
        boundary("in a thread without a role");
        begin_boundaries("second");
        boundary("one");
      }).join();
      boundary("two");
      _exit(0);
    }
    int stops = 0;
    for (int status = 0; waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status); ++stops) {
      kill(pid, SIGCONT);
    }
    child_ = pid;
    return stops;
  }

  std::filesystem::path directory_;
  mutable pid_t child_ = 0;
};

TEST_F(BoundaryTest, IsCountedInEachThreadThatHasARole) {
  EXPECT_EQ(pass_three("first:99"), 0);
  const std::string pid = " " + std::to_string(child_) + " ";
  EXPECT_EQ(read_text_file(log()).value(), "first 0" + pid + "begins\nfirst 1" + pid + "one\nsecond 0" + pid +
                                               "begins\nsecond 1" + pid + "one\nfirst 2" + pid + "two\n");
}

TEST_F(BoundaryTest, StopsAtTheOneThatWasAskedForAndOnlyOnce) {
  EXPECT_EQ(pass_three("second:1"), 1);
  EXPECT_FALSE(std::filesystem::exists(token()));
  EXPECT_EQ(pass_three("second:1"), 0);
}

TEST_F(BoundaryTest, GarbageInTheEnvironmentIsNoBoundary) {
  for (const char* value : {"", "first", "first:", "first:0", "first:-1", "third:1", "first:1 "}) {
    EXPECT_EQ(pass_three(value), 0) << value;
  }
}

#endif

}  // namespace
}  // namespace pmend
