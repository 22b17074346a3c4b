// SPDX-License-Identifier: Apache-2.0
#include "ctl/text.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace pmend::ctl {
namespace {

struct LineRow {
  const char* text;
  const char* shown;
};

TEST(SafeLine, ShowsWhatWouldSteerATerminal) {
  const std::vector<LineRow> rows = {
      {"plain \xC3\xA4 \\x", "plain \xC3\xA4 \\x"},
      {"a\nb\tc\x7F", "a\\x0ab\\x09c\\x7f"},
      {"\x1B[31m", "\\x1b[31m"},
      {"a\xC2\x9B"
       "31m",
       "a\\xc2\\x9b31m"},
      {"\xC2\xA0", "\xC2\xA0"},
      {"x\xE2\x80\xAEtxt.exe", "x\\xe2\\x80\\xaetxt.exe"},
      {"\xE2\x81\xA6", "\\xe2\\x81\\xa6"},
      {"\xE2\x82\xAC", "\xE2\x82\xAC"},
      {"\xEF\xBB\xBF", "\\xef\\xbb\\xbf"},
      {"\xE2\x80", "\xE2\x80"},
      {"", ""},
  };
  for (const LineRow& row : rows) {
    EXPECT_EQ(safe_line(row.text), row.shown);
  }
}

TEST(PathText, IsUnambiguous) {
  EXPECT_EQ(path_text({"/a b"}), "/a b");
  EXPECT_EQ(path_text({"/a\\x0a"}), "/a\\\\x0a");
  EXPECT_EQ(path_text({"/a\n"}), "/a\\x0a");
  EXPECT_EQ(path_text({"/\xFF"}), "/\\xff");
  EXPECT_EQ(path_text({"/\xE2\x80\xAE"}), "/\\xe2\\x80\\xae");
}

TEST(OwnerText, SaysInPlainWordsWhoseBytesTheyAre) {
  const FileSystemRef xfs{.type = "xfs", .mount_point = "/srv"};
  EXPECT_EQ(owner_text({.kind = OwnerKind::kFile, .paths = {{"/srv/a"}}}), "/srv/a");
  EXPECT_EQ(owner_text({.kind = OwnerKind::kFile, .paths = {{"/srv/a"}, {"/srv/b"}}}), "/srv/a (and 1 other name)");
  EXPECT_EQ(owner_text({.kind = OwnerKind::kFile, .paths = {{"a"}, {"b"}, {"c"}}}), "a (and 2 other names)");
  EXPECT_EQ(owner_text({.kind = OwnerKind::kFile, .filesystem = xfs, .file = FileId{131, 7}}),
            "inode 131 of xfs at /srv");
  EXPECT_EQ(owner_text({.kind = OwnerKind::kFree, .filesystem = xfs}), "free space of xfs at /srv");
  EXPECT_EQ(owner_text({.kind = OwnerKind::kMetadata, .filesystem = xfs, .detail = "inode btree"}),
            "metadata of xfs at /srv: inode btree");
  EXPECT_EQ(owner_text({.kind = OwnerKind::kRaw}), "no file system");
  EXPECT_EQ(owner_text({.kind = OwnerKind::kRaw, .detail = "swap"}), "no file system: swap");
  EXPECT_EQ(owner_text({.kind = OwnerKind::kUnknown, .detail = "why\n"}), "unknown: why\\x0a");
}

TEST(Table, SetsNumbersToTheRightAndCountsCharacters) {
  std::ostringstream out;
  print_table(out, {{"ID", Column::Set::kRight}, {"NAME"}, {"X"}}, {{"7", "\xC3\xA4", "y"}, {"100", "bcd", ""}});
  EXPECT_EQ(out.str(),
            " ID  NAME  X\n"
            "  7  \xC3\xA4     y\n"
            "100  bcd\n");
}

}  // namespace
}  // namespace pmend::ctl
