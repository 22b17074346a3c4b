// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/proc_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace pmend::rmap {
namespace {

using testing::IsEmpty;

class ProcTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "pmend-proc-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    write("target", "x");
    write("other", "x");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& content) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary) << content;
  }
  void link(const std::string& path, const std::string& target) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::filesystem::create_symlink(target, root_ / path);
  }
  FileKey key(const std::string& path) {
    struct stat status = {};
    EXPECT_EQ(stat((root_ / path).c_str(), &status), 0);
    return {status.st_dev, status.st_ino};
  }

  std::filesystem::path root_;
};

TEST_F(ProcTest, NamesEachProcessOnceWithWhatItDoes) {
  write("proc/12/comm", "odd\xff name\n");
  write("proc/12/cgroup", "0::/system.slice/db.service\n");
  link("proc/12/fd/3", root_ / "target");
  link("proc/12/fd/4", root_ / "target");
  link("proc/12/map_files/7f00-7f10", root_ / "target");
  write("proc/13/comm", "reader\n");
  link("proc/13/fd/5", root_ / "other");
  link("proc/13/fd/6", root_ / "target");
  link("proc/14/fd/0", "/no/such/file");
  link("proc/self", "12");
  const auto openers = find_openers(root_ / "proc", {key("target")});
  ASSERT_EQ(openers.size(), 1U);
  EXPECT_THAT(openers.at(key("target")), testing::UnorderedElementsAre(OpenBy{12, "odd\xff name", "db.service", true},
                                                                       OpenBy{13, "reader", "", false}));
}

TEST_F(ProcTest, MissingProcGivesNothing) {
  EXPECT_THAT(find_openers(root_ / "none", {key("target")}), IsEmpty());
}

TEST_F(ProcTest, OnlyAWholeProcIsSaidToBeWhole) {
  EXPECT_FALSE(sees_all_processes(root_ / "none"));
  write("proc/12/comm", "x\n");
  EXPECT_FALSE(sees_all_processes(root_ / "proc")) << "it does not say in which namespace";
  std::filesystem::create_directories(root_ / "proc/self/ns");
  std::filesystem::create_symlink("/proc/self/ns/pid", root_ / "proc/self/ns/pid");
  EXPECT_FALSE(sees_all_processes(root_ / "proc")) << "hidepid hides the first process too";
  // Even root may not look into the first process everywhere, as in some sandboxes.
  std::error_code error;
  (void)std::filesystem::directory_iterator("/proc/1/map_files", error);
  if (error) {
    EXPECT_FALSE(sees_all_processes("/proc"));
  } else {
    EXPECT_EQ(sees_all_processes("/proc").has_value(), geteuid() == 0);
  }
}

TEST(UnitOf, ReadsBothVersionsOfCgroups) {
  EXPECT_EQ(unit_of("0::/system.slice/postgresql@15-main.service\n"), "postgresql@15-main.service");
  EXPECT_EQ(unit_of("5:cpu:/x.service\n1:name=systemd:/system.slice/a.scope\n"), "a.scope");
  EXPECT_EQ(unit_of("0::/user.slice/user-0.slice/user@0.service/app.slice/b.service\n"), "user@0.service");
  for (const char* text :
       {"", "0::/\n", "0::/user.slice\n", "garbage", "::", "0:", "1:cpu:/x.service\n", "0::/.service\n"}) {
    EXPECT_EQ(unit_of(text), "") << text;
  }
}

}  // namespace
}  // namespace pmend::rmap
