// SPDX-License-Identifier: Apache-2.0
#include "pmend/settings.hpp"

#include "pmend/back_off.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace pmend::daemon {
namespace {

using testing::ElementsAre;

TEST(WorkerPlace, HandsOnWhereThingsAre) {
  Options options;
  options.worker = "/usr/libexec/pmend-worker";
  options.spool_dir = "/spool";
  options.runtime_dir = "/run/x";
  options.config = "/etc/x.json";
  options.log = cli::LogTarget::kJournal;
  const client::WorkerPlace place = worker_place(options);
  EXPECT_EQ(place.program, "/usr/libexec/pmend-worker");
  EXPECT_EQ(place.socket, "");
  EXPECT_THAT(place.arguments,
              ElementsAre("--runtime-dir", "/run/x", "--spool-dir", "/spool", "--state-dir", options.state_dir,
                          "--config", "/etc/x.json", "--sysfs", "/sys", "--log", "journal"));
}

TEST(WorkerPlace, IsASocketThatHasItsOwnArguments) {
  Options options;
  options.worker = "unix:/run/w";
  EXPECT_EQ(worker_place(options), (client::WorkerPlace{.program = "", .arguments = {}, .socket = "/run/w"}));
}

TEST(PolicyDirectories, MustBeThereOnlyIfTheyAreNamed) {
  Options options;
  EXPECT_EQ(policy_directories(options).size(), 3U);
  EXPECT_FALSE(policy_directories(options).front().required);
  options.policy_dirs = {"/a"};
  EXPECT_TRUE(policy_directories(options).front().required);
}

TEST(LoadWatch, NeedsTheFileOnlyIfItIsNamed) {
  Options options;
  options.config = "/nonexistent/pmend.json";
  EXPECT_FALSE(load_watch(options).has_value());
}

TEST(DumpDirectory, IsTheLogDirectoryWhereThereIsOne) {
  Options options;
  options.state_dir = "/state";
  unsetenv("LOGS_DIRECTORY");
  EXPECT_EQ(dump_directory(options), "/state");
  setenv("LOGS_DIRECTORY", "/var/log/pmend:/var/log/other", 1);
  EXPECT_EQ(dump_directory(options), "/var/log/pmend");
  unsetenv("LOGS_DIRECTORY");
}

TEST(BackOff, DoublesToAMinuteAndBeginsAnew) {
  BackOff back_off;
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 8; ++i) {
    waits.push_back(back_off.next().count());
  }
  EXPECT_THAT(waits, ElementsAre(1, 2, 4, 8, 16, 32, 60, 60));
  back_off.reset();
  EXPECT_EQ(back_off.next().count(), 1);
}

}  // namespace
}  // namespace pmend::daemon
