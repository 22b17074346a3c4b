// SPDX-License-Identifier: Apache-2.0
#include "medium/mode.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pmend::medium {
namespace {

TEST(Mode, DefaultsAreTheFirstValuesOfTheManual) {
  EXPECT_EQ(to_string(Mode()),
            "read=eio write=eio zero=clear discard=clear list=sysfs list-unit=1 recur=0 scramble=1 delay-read=0 "
            "delay-write=0 delay-zero=0 silent=0");
}

TEST(Mode, EveryValueIsReadAndPrintedBack) {
  for (const char* word :
       {"read=eio",       "read=short",  "read=ok",     "write=eio",  "write=clear",   "write=lie",
        "zero=clear",     "zero=eio",    "zero=nosupp", "zero=lie",   "discard=clear", "discard=eio",
        "discard=nosupp", "discard=lie", "list=sysfs",  "list=full",  "list-unit=1",   "list-unit=8",
        "recur=0",        "recur=86400", "scramble=0",  "scramble=1", "delay-read=1",  "delay-write=600000",
        "delay-zero=7",   "silent=0",    "silent=1"}) {
    const auto mode = parse_mode({}, word);
    ASSERT_TRUE(mode.has_value()) << word;
    const std::string printed = to_string(*mode);
    EXPECT_NE((" " + printed + " ").find(" " + std::string(word) + " "), std::string::npos) << printed;
    EXPECT_EQ(parse_mode({}, printed).value(), *mode);
  }
}

TEST(Mode, KeysThatAreNotNamedStay) {
  const Mode before = parse_mode({}, "write=lie recur=5").value();
  const Mode after = parse_mode(before, "zero=eio\n").value();
  EXPECT_EQ(after.write, OnChange::kLie);
  EXPECT_EQ(after.recur, std::chrono::seconds(5));
  EXPECT_EQ(after.zero, OnChange::kEio);
}

TEST(Mode, TheLastOfTwoEqualKeysWins) {
  EXPECT_EQ(parse_mode({}, "write=lie write=clear").value().write, OnChange::kClear);
}

TEST(Mode, GarbageIsRefused) {
  for (const char* text : {"",
                           " ",
                           "\n",
                           "read",
                           "read=",
                           "=eio",
                           "read=EIO",
                           "read=eio,ok",
                           "read==eio",
                           "write=nosupp",
                           "write=eio nope",
                           "unknown=1",
                           "recur=86401",
                           "recur=-1",
                           "recur=1s",
                           "recur=18446744073709551616",
                           "delay-read=600001",
                           "delay-write=0x10",
                           "scramble=2",
                           "scramble=true",
                           "list-unit=0",
                           "list-unit=16",
                           "silent=\xFF"}) {
    const auto mode = parse_mode({}, text);
    ASSERT_FALSE(mode.has_value()) << text;
    EXPECT_TRUE(mode.error().is(Errc::kInvalid));
  }
}

TEST(Mode, DiscardsAreDelayedLikeZeros) {
  const Mode mode = parse_mode({}, "delay-read=1 delay-write=2 delay-zero=3").value();
  EXPECT_EQ(mode.delay(Operation::kRead).count(), 1);
  EXPECT_EQ(mode.delay(Operation::kWrite).count(), 2);
  EXPECT_EQ(mode.delay(Operation::kZero).count(), 3);
  EXPECT_EQ(mode.delay(Operation::kDiscard).count(), 3);
}

}  // namespace
}  // namespace pmend::medium
