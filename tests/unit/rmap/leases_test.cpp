// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/leases.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/sysmacros.h>

namespace pmend::rmap {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Leases, OnlyWriteLeasesOfTheDeviceCount) {
  constexpr const char* kText =
      "1: POSIX  ADVISORY  WRITE 100 07:03:11 0 EOF\n"
      "2: LEASE  ACTIVE    WRITE 101 07:03:12 0 EOF\n"
      "3: LEASE  ACTIVE    READ  101 07:03:13 0 EOF\n"
      "4: LEASE  BREAKING  UNLCK 101 07:03:14 0 EOF\n"
      "5: LEASE  ACTIVE    WRITE 101 fe:00:15 0 EOF\n"
      "6: DELEG  ACTIVE    WRITE 102 07:03:16 0 EOF\n";
  EXPECT_THAT(parse_leases(kText, makedev(7, 3)), ElementsAre(12, 14, 16));
  EXPECT_THAT(parse_leases(kText, makedev(254, 0)), ElementsAre(15));
}

TEST(Leases, GarbageGivesNone) {
  for (const char* text :
       {"", "\n\n", "1: LEASE ACTIVE WRITE", "1: LEASE ACTIVE WRITE 1 zz:03:1 0 EOF",
        "1: LEASE ACTIVE WRITE 1 07:03 0 EOF", "1: LEASE ACTIVE WRITE 1 07:03:-1 0 EOF",
        "1: LEASE ACTIVE WRITE 1 07:03: 0 EOF", "1: LEASE ACTIVE WRITE 1 7:3:99999999999999999999"}) {
    EXPECT_THAT(parse_leases(text, makedev(7, 3)), IsEmpty()) << text;
  }
}

}  // namespace
}  // namespace pmend::rmap
