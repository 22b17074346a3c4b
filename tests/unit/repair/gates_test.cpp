// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/gates.hpp"

#include "pmend/base/unique_fd.hpp"
#include "unit/repair/temp_dir.hpp"

#include <sys/stat.h>

namespace pmend::repair {
namespace {

TargetFacts plain_file() {
  TargetFacts facts;
  facts.attributes.mode = S_IFREG | 0644;
  facts.direct_alignment = 512;
  return facts;
}

Place plain_place() {
  Place place;
  place.filesystem.type = "xfs";
  return place;
}

TEST(Gates, APlainFileOnAPlainFileSystemPasses) {
  EXPECT_EQ(forbidden_place(plain_place()), std::nullopt);
  EXPECT_EQ(forbidden_file(plain_file()), std::nullopt);
  EXPECT_EQ(forbidden_write(plain_file()), std::nullopt);
}

TEST(Gates, EveryKindOfFileOnTheListIsRefusedWithItsName) {
  const std::vector<std::pair<bool kernel::FileFacts::*, const char*>> kinds{
      {&kernel::FileFacts::immutable, "immutable"},   {&kernel::FileFacts::append_only, "append-only"},
      {&kernel::FileFacts::verity, "fs-verity"},      {&kernel::FileFacts::encrypted, "encrypted"},
      {&kernel::FileFacts::compressed, "compressed"}, {&kernel::FileFacts::journal_data, "journal"},
      {&kernel::FileFacts::inline_data, "inode"},     {&kernel::FileFacts::realtime, "realtime"},
  };
  for (const auto& [kind, word] : kinds) {
    TargetFacts facts = plain_file();
    facts.kinds.*kind = true;
    const auto reason = forbidden_file(facts);
    ASSERT_TRUE(reason.has_value()) << word;
    EXPECT_NE(reason->find(word), std::string::npos) << *reason;
  }
}

TEST(Gates, AnExchangeOnDaxNeedsToKnowThatNobodyHasTheFileMapped) {
  TargetFacts facts = plain_file();
  Place place = plain_place();
  place.sees_all_processes = [] { return fail_errno("/proc/7/map_files", EACCES); };
  place.openers = [](dev_t, ino_t) { return std::vector<OpenBy>{}; };
  EXPECT_EQ(forbidden_exchange(place, facts), std::nullopt) << "page cache keeps others' stores";
  facts.kinds.dax = true;
  EXPECT_NE(forbidden_exchange(place, facts)->find("/proc/7/map_files"), std::string::npos);
  place.sees_all_processes = [] { return Status{}; };
  EXPECT_EQ(forbidden_exchange(place, facts), std::nullopt);
  place.openers = [](dev_t, ino_t) { return std::vector<OpenBy>{{7, "reader", "", false}}; };
  EXPECT_EQ(forbidden_exchange(place, facts), std::nullopt);
  place.openers = [](dev_t, ino_t) { return std::vector<OpenBy>{{7, "writer", "", true}}; };
  EXPECT_NE(forbidden_exchange(place, facts)->find("7 (writer)"), std::string::npos);
}

TEST(Gates, WhatIsNoRegularFileIsRefused) {
  for (const int kind : {S_IFDIR, S_IFLNK, S_IFBLK, S_IFCHR, S_IFIFO, S_IFSOCK}) {
    TargetFacts facts = plain_file();
    facts.attributes.mode = static_cast<mode_t>(kind) | 0644U;
    EXPECT_TRUE(forbidden_file(facts).has_value()) << kind;
  }
}

TEST(Gates, FilesThatTheKernelOrAProgramRunsOnAreRefusedByName) {
  TargetFacts used = plain_file();
  used.kernel_user = "loop3";
  EXPECT_NE(forbidden_file(used)->find("loop3"), std::string::npos);
  TargetFacts running = plain_file();
  running.runners = {"12 (worker)"};
  EXPECT_NE(forbidden_file(running)->find("12 (worker)"), std::string::npos);
}

TEST(Gates, AFileWithoutDirectWritesIsRefused) {
  TargetFacts facts = plain_file();
  facts.direct_alignment = 0;
  EXPECT_TRUE(forbidden_file(facts).has_value());
  facts.direct_alignment = std::nullopt;  // an older kernel does not say
  EXPECT_FALSE(forbidden_file(facts).has_value());
}

TEST(Gates, AttributesThatAWriteWouldStripForbidWritingButNotRedirty) {
  for (const char* name : {"security.capability", "security.ima", "security.evm"}) {
    TargetFacts facts = plain_file();
    facts.xattrs[name] = "x";
    EXPECT_EQ(forbidden_file(facts), std::nullopt);
    EXPECT_NE(forbidden_write(facts)->find(name), std::string::npos);
  }
  TargetFacts facts = plain_file();
  facts.xattrs["user.note"] = "x";
  EXPECT_EQ(forbidden_write(facts), std::nullopt);
}

TEST(Gates, SetIdBitsForbidWritingOnlyToThoseWhoCannotKeepThem) {
  struct Case {
    mode_t mode;
    bool set_id;
  };
  for (const Case& row : {Case{04755, true}, {02755, true}, {04644, true}, {02644, false}, {0755, false}}) {
    TargetFacts facts = plain_file();
    facts.attributes.mode = S_IFREG | row.mode;
    EXPECT_EQ(forbidden_write(facts), std::nullopt);
    facts.write_strips_setid = true;
    EXPECT_EQ(forbidden_write(facts).has_value(), row.set_id) << row.mode;
  }
}

TEST(Gates, OnlyKnownFileSystemsAreRepaired) {
  for (const char* type : {"", "btrfs", "ext3", "ext2", "vfat", "xfs2", "overlay"}) {
    Place place = plain_place();
    place.filesystem.type = type;
    EXPECT_TRUE(forbidden_place(place).has_value()) << type;
  }
}

TEST(Gates, WhatTheBlockStackForbidsIsForbidden) {
  Place place = plain_place();
  place.forbidden = {"/dev/dm-3 has a snapshot"};
  EXPECT_EQ(forbidden_place(place), "/dev/dm-3 has a snapshot");
}

TEST(Gates, MemoryIsNotWrittenAfterAMachineCheckThatNobodyCanPlace) {
  Place place = plain_place();
  EXPECT_EQ(forbidden_memory(place, 4), std::nullopt);
  place.memory = true;
  EXPECT_EQ(forbidden_memory(place, 0), std::nullopt);
  EXPECT_TRUE(forbidden_memory(place, 4).has_value());
}

TEST(Gates, WhatIsKnownToBeElsewhereDoesNotCount) {
  Place place = plain_place();
  place.memory_errors_kib = [] { return Result<std::uint64_t>(8); };
  EXPECT_EQ(hardware_corrupted_kib(place).value(), 8U);
  place.memory_errors_kib = nullptr;
  EXPECT_EQ(hardware_corrupted_kib(place).value(), hardware_corrupted_kib().value());
}

TEST(Gates, AFileSystemWhosePagesAreNotPagesOfItsMemoryIsNotRepaired) {
  Place place = plain_place();
  place.file_system_offset = 63 * kSectorBytes;
  EXPECT_EQ(forbidden_place(place), std::nullopt);
  place.memory = true;
  EXPECT_TRUE(forbidden_place(place).has_value());
  place.file_system_offset = 2U << 20U;
  EXPECT_EQ(forbidden_place(place), std::nullopt);
}

class MeminfoTest : public TempDirTest {};

TEST_F(MeminfoTest, HardwareCorruptedIsReadInKibibytes) {
  const std::string path = directory_ / "meminfo";
  const std::vector<std::pair<const char*, std::uint64_t>> rows{
      {"MemTotal:  24 kB\nHardwareCorrupted:     4 kB\nAnonHugePages: 7 kB\n", 4},
      {"HardwareCorrupted:     0 kB\n", 0},
      {"MemTotal:  24 kB\n", 0},
  };
  for (const auto& [text, value] : rows) {
    ASSERT_TRUE(replace_file(path, text).has_value());
    EXPECT_EQ(hardware_corrupted_kib(path).value(), value) << text;
  }
  EXPECT_FALSE(hardware_corrupted_kib(directory_ / "missing").has_value());
}

}  // namespace
}  // namespace pmend::repair
