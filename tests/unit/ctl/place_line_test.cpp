// SPDX-License-Identifier: Apache-2.0
#include "ctl/place_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

namespace pmend::ctl {
namespace {

using testing::HasSubstr;

const LineDefaults kGiven{"/dev/sdz", 4096};

struct PlaceRow {
  std::string line;
  std::string device;
  ByteRange range;
};

TEST(PlaceLine, IsRecognisedByItsContent) {
  const std::vector<PlaceRow> rows = {
      {"/dev/sda 1048576 512", "/dev/sda", {1048576, 512}},
      {"  /dev/disk/by-label/a b\t0x1000  0x200\r", "/dev/disk/by-label/a b", {4096, 512}},
      {"/dev/sda 9223372036854775806 1", "/dev/sda", {9223372036854775806, 1}},
      {"2048 8", "/dev/sdz", {1048576, 4096}},
      {"0 1", "/dev/sdz", {0, 512}},
      {"131072", "/dev/sdz", {536870912, 4096}},
      {"0x00100000  0x00000200  -", "/dev/sdz", {1048576, 512}},
      {"[ 1234.567890] I/O error, dev sda, sector 2048 op 0x0:(READ) flags 0x80700 phys_seg 1 prio class 2",
       "/dev/sda",
       {1048576, 512}},
      {"Nov 28 12:00:00 host kernel: [  1.0] blk_update_request: I/O error, dev nvme0n1, sector 16",
       "/dev/nvme0n1",
       {8192, 512}},
      {"critical medium error, dev sdb, sector 7 op 0x0:(READ) flags 0x0", "/dev/sdb", {3584, 512}},
      {"3,1234,5678,-;critical medium error, dev sdb, sector 7", "/dev/sdb", {3584, 512}},
      {"I/O error, dev cciss!c0d0, sector 1", "/dev/cciss/c0d0", {512, 512}},
  };
  for (const PlaceRow& row : rows) {
    const PlaceLine place = parse_place_line(row.line, kGiven);
    ASSERT_TRUE(place && *place) << row.line << (place ? "" : ": " + place.error());
    EXPECT_EQ(**place, (DeviceRange{row.device, row.range})) << row.line;
  }
}

TEST(PlaceLine, MayNameNoPlace) {
  for (const char* line :
       {"", "  \t\r", "# Mapfile. Created by GNU ddrescue version 1.27", "0x00120000     ?               1",
        "0x00120000 +", "0x0 0x1000 +", "0x0 0x1000 ?", "0x0 0x1000 *", "0x0 0x1000 /",
        "[    0.000000] Linux version 6.1.0", "<6>[    1.2] x", "6,339,5140900,-;NET: Registered",
        "Nov 28 12:00:00 host kernel: sd 0:0:0:0: [sda] Attached SCSI disk",
        "[ 1.0] Buffer I/O error on dev sda1, logical block 3, async page read"}) {
    const PlaceLine place = parse_place_line(line, kGiven);
    ASSERT_TRUE(place) << line << ": " << place.error();
    EXPECT_FALSE(place->has_value()) << line;
  }
}

struct RefusedRow {
  std::string line;
  std::string why;
};

TEST(PlaceLine, SaysWhatIsWrongWithIt) {
  const std::vector<RefusedRow> rows = {
      {"/dev/sda", "expected DEVICE OFFSET LENGTH, got '/dev/sda'"},
      {"/dev/sda 0", "expected DEVICE OFFSET LENGTH"},
      {"/dev/sda 0 0", "the length is 0"},
      {"/dev/sda -1 512", "'-1' is not a number of bytes"},
      {"/dev/sda 0 99999999999999999999", "'99999999999999999999' is not a number of bytes"},
      {"/dev/sda 0x 512", "'0x' is not a number of bytes"},
      {"/dev/sda 0x1p3 512", "'0x1p3' is not a number of bytes"},
      {"/dev/sda 9223372036854775807 1", "passes 2^63"},
      {"/dev/sda 18446744073709551615 18446744073709551615", "passes 2^63"},
      {"18446744073709551615 1", "the number is too large"},
      {"1 18446744073709551615", "the number is too large"},
      {"36028797018963968 1", "the number is too large"},
      {"9223372036854775807", "the number is too large"},
      {"18014398509481984 1", "passes 2^63"},
      {"0 0", "the length is 0"},
      {"99999999999999999999", "is not a number that fits"},
      {"0x8000000000000000 0x200 -", "passes 2^63"},
      {"0x10000000000000000 0x200 -", "'0x10000000000000000' is not a number of bytes"},
      {"[1.0] I/O error, dev sda, sector 99999999999999999999 op", "'99999999999999999999' is not a sector"},
      {"[1.0] I/O error, dev sda, sector  op", "'' is not a sector"},
      {"hello", "names no place: 'hello'"},
      {"1 2 3", "names no place"},
      {"sda 0 512", "names no place"},
      {std::string("/dev/sda 0 512\0", 15), "NUL"},
      {"/dev/\xff 0 512", "UTF-8"},
      {std::string(200, 'y'), "…'"},
  };
  for (const RefusedRow& row : rows) {
    const PlaceLine place = parse_place_line(row.line, kGiven);
    ASSERT_FALSE(place) << row.line;
    EXPECT_THAT(place.error(), HasSubstr(row.why)) << row.line;
  }
}

TEST(PlaceLine, NeedsWhatItDoesNotSayItself) {
  EXPECT_THAT(parse_place_line("8 1", {}).error(), HasSubstr("names no device"));
  EXPECT_THAT(parse_place_line("0x0 0x200 -", {}).error(), HasSubstr("names no device"));
  EXPECT_TRUE(parse_place_line("/dev/sda 0 512", {}).has_value());
  EXPECT_THAT(parse_place_line("8", {"/dev/sda", 0}).error(), HasSubstr("--block-size"));
}

// Whatever the line is made of, what comes out is a range that can be asked for, or a text.
TEST(PlaceLine, TakesAnything) {
  const std::vector<std::string> pieces = {"/dev/sda",
                                           " ",
                                           "\t",
                                           "0",
                                           "512",
                                           "18446744073709551615",
                                           "9223372036854775807",
                                           "0x",
                                           "0xffffffffffffffff",
                                           "-",
                                           "+",
                                           "?",
                                           "#",
                                           ",",
                                           " error, dev ",
                                           ", sector ",
                                           "I/O",
                                           "[1.0] ",
                                           ";",
                                           "kernel: ",
                                           "\xff",
                                           std::string(1, '\0'),
                                           "é"};
  std::mt19937 random(20261128);
  for (int i = 0; i < 100'000; ++i) {
    std::string line;
    for (auto count = random() % 8; count > 0; --count) {
      line += pieces[random() % pieces.size()];
    }
    const PlaceLine place = parse_place_line(line, kGiven);
    if (!place) {
      EXPECT_FALSE(place.error().empty());
    } else if (*place) {
      EXPECT_FALSE((*place)->device.empty());
      EXPECT_FALSE((*place)->range.empty());
      EXPECT_TRUE(make_byte_range((*place)->range.offset, (*place)->range.length)) << line;
    }
  }
}

}  // namespace
}  // namespace pmend::ctl
