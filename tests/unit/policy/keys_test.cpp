// SPDX-License-Identifier: Apache-2.0
#include "builders.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

// What each key is compared with. Facts are all known here; evaluate_test.cpp is about those that are not.
namespace pmend {
namespace {

struct KeyCase {
  std::string when;
  bool matches;  // whatever the action
};

const KeyCase kKeyCases[] = {
    {R"({"device": "/dev/pmem0"})", true},
    {R"({"device": "/dev/pmem*"})", true},
    {R"({"device": ["/dev/sda", "/dev/pmem?"]})", true},
    {R"({"device": "/dev/pmem1"})", false},
    {R"({"filesystem": {"type": "xfs"}})", true},
    {R"({"filesystem": {"type": ["ext4", "btrfs"]}})", false},
    {R"({"filesystem": {"type": "xfs", "label": "other"}})", false},
    {R"({"filesystem": {"uuid": "0f4c0d2e-*"}})", true},
    {R"({"filesystem": {"label": "data"}})", true},
    {R"({"mount_point": "/srv"})", true},
    {R"({"mount_point": "/"})", false},
    {R"({"mount_point": "**"})", true},
    {R"({"owner": "file"})", true},
    {R"({"owner": ["metadata", "file"]})", true},
    {R"({"owner": ["metadata", "free", "raw", "unknown"]})", false},
    {R"({"path": "/srv/a"})", true},
    {R"({"path": ["/x", "/srv/**"]})", true},
    {R"({"path": "/srv/b"})", false},
    {R"({"uid": 1000})", true},
    {R"({"uid": [0, 1000]})", true},
    {R"({"uid": {"min": 1001}})", false},
    {R"({"gid": {"min": 100, "max": 100}})", true},
    {R"({"gid": 0})", false},
    {R"({"file_size": {"min": 4096}})", true},
    {R"({"file_size": {"max": 4095}})", false},
    {R"({"bytes_bad": 512})", true},
    {R"({"bytes_bad": [{"max": 511}, {"min": 513}]})", false},
    {R"({"bytes_lost": {"max": 100}})", true},
    {R"({"bytes_lost": {"max": 99}})", false},
    {R"({"bytes_lost": {"min": 18446744073709551615}})", false},
    {R"({"shared": true})", true},
    {R"({"shared": false})", false},
    {R"({"open_by": "post*"})", true},
    {R"({"open_by": ["mysqld", "backup"]})", true},
    {R"({"open_by": "mysqld"})", false},
    {R"({"mapped": true})", true},
    {R"({"mapped": false})", false},
    {R"({"recurrence": true})", true},
    {R"({"source": "read"})", true},
    {R"({"source": ["ars", "list"]})", false},
    {R"({"xattr": "trusted.pmend.class"})", true},
    {R"({"xattr": "trusted.other"})", false},
    {R"({"time": {"from": "12:00", "to": "12:01"}})", true},
    {R"({"any": [{"uid": 0}, {"gid": 100}]})", true},
    {R"({"any": [{"uid": 0}, {"gid": 100, "owner": "free"}]})", false},
    {R"({"not": {"uid": 0}})", true},
    {R"({"not": {"uid": 1000}})", false},
    {R"({"not": {"uid": 1000, "gid": 0}})", true},
    {R"({"not": {"not": {"uid": 1000}}})", true},
    {R"({"not": {"any": [{"uid": 0}, {"uid": 1}]}})", true},
    {R"({"uid": 1000, "any": [{"gid": 100}], "not": {"owner": "free"}})", true},
    {R"({})", true},
};

TEST(PolicyKeys, EachIsComparedWithItsFact) {
  Owner file = file_named({"/srv/a"});
  file.open_by = {{1, "postgres", "", false}, {2, "backup", "", true}};
  file.xattrs = {{"user.note", "x"}, {"trusted.pmend.class", "hot"}};
  file.shared = true;
  PolicyFacts facts = facts_about({file});
  facts.recurrence = true;
  facts.phantom = false;
  facts.bytes_lost = 100;
  facts.sources = {"badblocks", "read"};
  for (const auto& [when, expected] : kKeyCases) {
    EXPECT_EQ(matches(when, Action::kHold, facts), expected) << when;
    // A repair rule has to name a recurrence, so that is taken away for it.
    PolicyFacts first = facts;
    first.recurrence = when.find("recurrence") != std::string::npos;
    EXPECT_EQ(matches(when, Action::kRepair, first), expected) << when;
  }
}

TEST(PolicyKeys, APhantomIsOneOnlyIfKnown) {
  PolicyFacts facts = facts_about({file_named({"/srv/a"})});
  for (const bool phantom : {true, false}) {
    facts.phantom = phantom;
    EXPECT_EQ(matches(R"({"phantom": true})", Action::kRepair, facts), phantom);
    EXPECT_EQ(matches(R"({"phantom": false})", Action::kRepair, facts), !phantom);
  }
}

TEST(PolicyKeys, NamesAreBytes) {
  for (const std::string name : {"/srv/a\nb", "/srv/\xFF\xFE", "/srv/\x01", "/srv/.*"}) {
    const PolicyFacts facts = facts_about({file_named({name})});
    EXPECT_TRUE(matches(R"({"path": "/srv/*"})", Action::kRepair, facts));
    EXPECT_TRUE(matches(R"({"path": "/srv/**"})", Action::kRepair, facts));
    EXPECT_FALSE(matches(R"({"path": "/srv/a"})", Action::kHold, facts));
  }
  EXPECT_TRUE(matches(R"({"path": "/srv/\\xff*"})", Action::kRepair, facts_about({file_named({"/srv/\xFFx"})})));
  EXPECT_FALSE(matches(R"({"path": "/srv/a.b"})", Action::kHold, facts_about({file_named({"/srv/axb"})})));
}

struct TimeCase {
  std::string span;
  Weekday day;
  int minute;
  bool inside;
};

TEST(PolicyKeys, TimeSpansHoldTheirBeginningButNotTheirEndAndMayPassMidnight) {
  constexpr int kTen = 22 * 60;
  constexpr int kSix = 6 * 60;
  const TimeCase cases[] = {
      {R"({"from": "06:00", "to": "22:00"})", Weekday::kMonday, kSix, true},
      {R"({"from": "06:00", "to": "22:00"})", Weekday::kMonday, kSix - 1, false},
      {R"({"from": "06:00", "to": "22:00"})", Weekday::kMonday, kTen - 1, true},
      {R"({"from": "06:00", "to": "22:00"})", Weekday::kMonday, kTen, false},
      {R"({"from": "22:00", "to": "06:00"})", Weekday::kMonday, kTen, true},
      {R"({"from": "22:00", "to": "06:00"})", Weekday::kMonday, 0, true},
      {R"({"from": "22:00", "to": "06:00"})", Weekday::kMonday, kSix, false},
      {R"({"from": "22:00", "to": "06:00", "days": "sat"})", Weekday::kSaturday, kTen, true},
      {R"({"from": "22:00", "to": "06:00", "days": "sat"})", Weekday::kSaturday, 0, false},
      {R"({"from": "22:00", "to": "06:00", "days": "sat"})", Weekday::kSunday, kSix - 1, true},
      {R"({"from": "22:00", "to": "06:00", "days": "sat"})", Weekday::kSunday, kTen, false},
      {R"({"days": ["sat", "sun"]})", Weekday::kSunday, 0, true},
      {R"({"days": ["sat", "sun"]})", Weekday::kSaturday, kMinutesPerDay - 1, true},
      {R"({"days": ["sat", "sun"]})", Weekday::kMonday, 0, false},
      {R"({"from": "22:00"})", Weekday::kMonday, kMinutesPerDay - 1, true},
      {R"({"from": "22:00"})", Weekday::kMonday, 0, false},
      {R"({"to": "06:00"})", Weekday::kMonday, 0, true},
      {R"({"from": "22:00", "to": "00:00"})", Weekday::kMonday, 0, false},
      {R"([{"days": "mon", "to": "01:00"}, {"days": "tue"}])", Weekday::kTuesday, 600, true},
  };
  for (const auto& [span, day, minute, inside] : cases) {
    PolicyFacts facts = facts_about({file_named({"/srv/a"})});
    facts.local_time = LocalTime{day, static_cast<std::uint16_t>(minute)};
    EXPECT_EQ(matches(R"({"time": )" + span + "}", Action::kRepair, facts), inside) << span << " " << minute;
  }
}

TEST(PolicyKeys, WhatCannotBeThereIsNotUnknown) {
  for (const OwnerKind kind : {OwnerKind::kMetadata, OwnerKind::kFree, OwnerKind::kRaw}) {
    const PolicyFacts facts = facts_about({owner_of_kind(kind)});
    for (const std::string when : {R"({"path": "/**"})", R"({"uid": {"min": 0}})", R"({"gid": {"min": 0}})",
                                   R"({"file_size": {"min": 0}})", R"({"xattr": "trusted.*"})"}) {
      EXPECT_FALSE(matches(when, Action::kHold, facts)) << when << to_string(kind);
      EXPECT_TRUE(matches(negated(when), Action::kRepair, facts)) << when << to_string(kind);
    }
  }
  const PolicyFacts raw = facts_about({owner_of_kind(OwnerKind::kRaw)});
  EXPECT_FALSE(matches(R"({"filesystem": {"type": "*"}})", Action::kHold, raw));
  EXPECT_FALSE(matches(R"({"mount_point": "**"})", Action::kHold, raw));
}

TEST(PolicyKeys, AFileSystemWithoutUuidLabelOrMountPointIsKnownToHaveNone) {
  Owner file = file_named({"/srv/a"});
  file.filesystem = FileSystemRef{"ext4", "", "", ""};
  for (const std::string when :
       {R"({"filesystem": {"uuid": "*"}})", R"({"filesystem": {"label": "*"}})", R"({"mount_point": "**"})"}) {
    EXPECT_FALSE(matches(when, Action::kHold, facts_about({file}))) << when;
    EXPECT_TRUE(matches(negated(when), Action::kRepair, facts_about({file}))) << when;
  }
}

}  // namespace
}  // namespace pmend
