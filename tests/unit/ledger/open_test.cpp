// SPDX-License-Identifier: Apache-2.0
#include "ledger_dir.hpp"
#include "pmend/ledger/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace pmend {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// A ledger that was used and ended in order.
void make_ledger(const LedgerDir& dir) {
  auto ledger = dir.open();
  ASSERT_TRUE(ledger.has_value()) << ledger.error().message();
  const auto story = a_story(20);
  ASSERT_TRUE(ledger->apply(story).has_value());
  ASSERT_TRUE(ledger->close().has_value());
}

// Opens the ledger of `dir` without the rights of root; "opened" or the error.
std::string error_of_open_as_nobody(const LedgerDir& dir) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return "no pipe";
  }
  const pid_t child = fork();
  if (child == 0) {
    const bool dropped = geteuid() != 0 || setuid(65534) == 0;
    const std::string text = dropped ? dir.error_of_open() : "still root";
    _exit(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  char text[1000];
  const ssize_t size = read(ends[0], text, sizeof text);
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return {text, static_cast<std::size_t>(size > 0 ? size : 0)};
}

TEST(LedgerOpen, MakesANewLedgerThatKnowsNothing) {
  const LedgerDir dir;
  auto ledger = dir.open();
  ASSERT_TRUE(ledger.has_value()) << ledger.error().message();
  EXPECT_EQ(load(*ledger), LedgerState());
  struct stat status {};
  ASSERT_EQ(stat(dir.file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST(LedgerOpen, RemembersOverARestart) {
  const LedgerDir dir;
  make_ledger(dir);
  EXPECT_EQ(state_in(dir).value(), states_of(a_story(20)).back());
}

TEST(LedgerOpen, KnowsWhetherTheLastEndWasInOrder) {
  const LedgerDir dir;
  {
    auto first = dir.open();
    EXPECT_TRUE(load(*first).clean_shutdown);
    EXPECT_EQ(load(*first).previous_boot_id, "");
  }
  {
    auto after_a_crash = dir.open();
    EXPECT_FALSE(load(*after_a_crash).clean_shutdown);
    EXPECT_EQ(load(*after_a_crash).previous_boot_id, "boot-1");
    ASSERT_TRUE(after_a_crash->close().has_value());
  }
  auto after_an_end = dir.open();
  EXPECT_TRUE(load(*after_an_end).clean_shutdown);
}

TEST(LedgerOpen, KeepsASecondPmendOut) {
  const LedgerDir dir;
  {
    const auto first = dir.open();
    ASSERT_TRUE(first.has_value());
    const auto second = dir.open();
    ASSERT_FALSE(second.has_value());
    EXPECT_TRUE(second.error().is(Errc::kRefused));
    EXPECT_THAT(second.error().what, EndsWith("is taken by pid " + std::to_string(getpid())));
  }
  EXPECT_EQ(dir.error_of_open(), "opened");
}

TEST(LedgerOpen, SaysWhatIsWrongWithTheDirectory) {
  const LedgerDir dir;
  const auto missing = Ledger::open({.state_dir = dir.path() / "missing", .boot_id = ""});
  ASSERT_FALSE(missing.has_value());
  EXPECT_TRUE(missing.error().is_errno(ENOENT));
  EXPECT_THAT(missing.error().message(), AllOf(StartsWith("state directory: "), HasSubstr("/missing/lock")));
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0555));
  EXPECT_THAT(error_of_open_as_nobody(dir), AllOf(StartsWith("state directory: "), EndsWith("Permission denied")));
}

TEST(LedgerOpen, SaysThatTheFileIsNotWritable) {
  const LedgerDir dir;
  make_ledger(dir);
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0777));
  std::filesystem::permissions(dir.path() / "lock", std::filesystem::perms(0666));
  std::filesystem::permissions(dir.file(), std::filesystem::perms(0444));
  EXPECT_THAT(error_of_open_as_nobody(dir), AllOf(HasSubstr("ledger.db"), EndsWith("Permission denied")));
}

TEST(LedgerOpen, RefusesALedgerFromTheFutureAndNamesBothVersions) {
  const LedgerDir dir;
  make_ledger(dir);
  dir.tamper("CREATE TABLE things_to_come (one INTEGER)");
  dir.tamper("PRAGMA user_version = 7");
  const std::string before = bytes_of(dir.file());
  const auto opened = dir.open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_TRUE(opened.error().is(Errc::kUnsupported));
  EXPECT_THAT(opened.error().what, AllOf(HasSubstr("schema version 7"), HasSubstr("knows version 2")));
  EXPECT_EQ(bytes_of(dir.file()), before);
}

// As version 1 left it.
void make_old(const LedgerDir& dir) {
  dir.tamper("DROP TABLE repairs; PRAGMA user_version = 1");
}

TEST(LedgerOpen, BringsALedgerOfVersion1UpToDate) {
  const LedgerDir dir;
  {
    auto ledger = dir.open();
    ASSERT_TRUE(ledger->apply(a_story(24)).has_value());
    ASSERT_TRUE(ledger->close().has_value());
  }
  const LedgerState before = state_in(dir).value();
  ASSERT_EQ(before.past.size(), 1U);
  ASSERT_EQ(before.past[0].repairs.size(), 3U);
  make_old(dir);
  const auto upgraded = state_in(dir);
  ASSERT_TRUE(upgraded.has_value()) << upgraded.error().message();
  ASSERT_EQ(upgraded->past.size(), 1U);
  EXPECT_EQ(upgraded->past[0].device_id, before.past[0].device_id);
  ASSERT_EQ(upgraded->past[0].repairs.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const PastRepair& repair = upgraded->past[0].repairs[i];
    EXPECT_EQ(repair.device_range, before.past[0].repairs[i].device_range);
    EXPECT_EQ(repair.repairs, before.past[0].repairs[i].repairs);
    EXPECT_EQ(to_rfc3339(repair.proven), "2026-11-22T12:00:00Z") << "when its job ended";
  }
  EXPECT_EQ(state_in(dir)->past, upgraded->past) << "once";
}

TEST(LedgerOpen, RefusesAnOldLedgerWithOtherTablesAndLeavesItAsItIs) {
  const LedgerDir dir;
  make_ledger(dir);
  make_old(dir);
  dir.tamper("DROP TRIGGER history_stays");
  const std::string before = bytes_of(dir.file());
  EXPECT_THAT(dir.error_of_open(), HasSubstr("\"history_stays\" is missing"));
  EXPECT_EQ(bytes_of(dir.file()), before);
}

TEST(LedgerOpen, RefusesAFileThatIsNoLedger) {
  const LedgerDir dir;
  make_ledger(dir);
  dir.tamper("PRAGMA application_id = -5");
  const auto opened = dir.open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_TRUE(opened.error().is(Errc::kInvalid));
  EXPECT_THAT(opened.error().what, HasSubstr("not a ledger of pmend"));
}

TEST(LedgerOpen, RefusesOtherTablesThanItsOwn) {
  for (const char* sql : {"DROP TRIGGER history_stays", "ALTER TABLE devices ADD COLUMN more TEXT",
                          "CREATE TRIGGER more AFTER INSERT ON history BEGIN DELETE FROM approvals; END",
                          "DROP TABLE reports", "PRAGMA user_version = 0", "DELETE FROM meta"}) {
    const LedgerDir dir;
    make_ledger(dir);
    dir.tamper(sql);
    const auto opened = dir.open();
    ASSERT_FALSE(opened.has_value()) << sql;
    EXPECT_TRUE(opened.error().is(Errc::kCorrupt) || opened.error().is(Errc::kInvalid)) << sql;
  }
}

TEST(LedgerOpen, NeverReplacesADamagedLedger) {
  const LedgerDir dir;
  make_ledger(dir);
  const std::string whole = bytes_of(dir.file());
  std::string no_header = whole;
  no_header.replace(0, 16, "not a database!!");
  std::string no_schema = whole;
  no_schema.replace(100, 1000, std::string(1000, '\xff'));
  const struct {
    const char* what;
    std::string bytes;
  } rows[] = {{"empty", ""},
              {"header gone", no_header},
              {"schema gone", no_schema},
              {"cut in the first page", whole.substr(0, 1000)},
              {"cut after the first page", whole.substr(0, 4096)},
              {"text", "Dear diary"}};
  for (const auto& row : rows) {
    write_bytes(dir.file(), row.bytes);
    const auto opened = dir.open();
    ASSERT_FALSE(opened.has_value()) << row.what;
    EXPECT_TRUE(opened.error().is(Errc::kCorrupt)) << row.what << ": " << opened.error().message();
    EXPECT_THAT(opened.error().what, HasSubstr("ledger.db")) << row.what;
    EXPECT_EQ(bytes_of(dir.file()), row.bytes) << row.what;
  }
}

TEST(LedgerOpen, NeverStartsAnewBesideTheLogOfALostLedger) {
  const LedgerDir dir;
  write_bytes(dir.file() + "-wal", "log");
  EXPECT_THAT(dir.error_of_open(), HasSubstr("ledger.db is missing, but its wal file is there"));
}

TEST(LedgerOpen, StartsAfreshWhereTheFirstStartDidNotGetThatFar) {
  const LedgerDir dir;
  write_bytes(dir.file() + ".new", "half a ledger");
  write_bytes(dir.file() + ".new-journal", "half a journal");
  EXPECT_EQ(dir.error_of_open(), "opened");
  EXPECT_FALSE(std::filesystem::exists(dir.file() + ".new"));
}

TEST(LedgerOpen, LooksAtEveryPageAfterAnEndOutOfOrder) {
  const LedgerDir dir;
  make_ledger(dir);
  (void)dir.open();  // not closed in order
  std::string bytes = bytes_of(dir.file());
  // The last page belongs to some table that nothing at start reads.
  bytes.replace(bytes.size() - 4096, 4096, std::string(4096, '\x55'));
  write_bytes(dir.file(), bytes);
  const auto opened = dir.open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_TRUE(opened.error().is(Errc::kCorrupt)) << opened.error().message();
}

}  // namespace
}  // namespace pmend
