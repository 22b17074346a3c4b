// SPDX-License-Identifier: Apache-2.0
#include "ctl/incident_text.hpp"
#include "ctl/report_formats.hpp"
#include "samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace pmend::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string ranges(const Report& report) {
  std::ostringstream out;
  print_ranges_format(out, report);
  return out.str();
}

std::string ddrescue(const Report& report) {
  std::ostringstream out;
  print_ddrescue_format(out, report);
  return out.str();
}

Report repaired() {
  Report report = samples::report();
  report.incident.state = IncidentState::kRepaired;
  return report;
}

TEST(RangesFormat, HasALineForEveryNameOfALostRange) {
  EXPECT_EQ(ranges(repaired()),
            "42496 512 /srv/a\n"
            "42496 512 /srv/b\\xff\n");
}

TEST(RangesFormat, NamesTheDeviceWhereThereIsNoFile) {
  Report report = repaired();
  report.manifest.lost = {{.device_range = {1050112, 512}}};
  EXPECT_EQ(ranges(report), "1050112 512 /dev/pmem0\n");
  report.manifest.lost.clear();
  EXPECT_EQ(ranges(report), "");
}

TEST(RangesFormat, StaysOneLineWhateverTheNameIs) {
  Report report = repaired();
  report.manifest.lost.front().paths = {{"/srv/a\n0 1 /etc/passwd"}};
  EXPECT_EQ(ranges(report), "42496 512 /srv/a\\x0a0 1 /etc/passwd\n");
}

TEST(DdrescueFormat, CoversTheDeviceFromItsStartWithoutAGap) {
  const std::string map = ddrescue(repaired());
  EXPECT_THAT(map, HasSubstr("# Mapfile of /dev/pmem0, incident 7, made by pmendctl\n"));
  EXPECT_THAT(map, HasSubstr("#      pos        size  status\n"
                             "0x00000000  0x00100000  ?\n"
                             "0x00100000  0x00000600  +\n"
                             "0x00100600  0x00000200  -\n"
                             "0x00100800  0x00000800  +\n"));
}

TEST(DdrescueFormat, SaysThatAnOpenErrorIsBad) {
  Report report{.incident = samples::incident()};
  EXPECT_THAT(ddrescue(report), HasSubstr("status\n"
                                          "0x00000000  0x00100600  ?\n"
                                          "0x00100600  0x00000200  *\n"));
}

TEST(ReportText, SaysWhichBytesOfWhichFileWereLostAndWhy) {
  std::ostringstream out;
  print_report(out, repaired());
  const std::string text = out.str();
  EXPECT_THAT(text, HasSubstr("Incident 7 on /dev/pmem0: repaired\n"));
  EXPECT_THAT(text, HasSubstr("Lost: 512 bytes\n"
                              "  /srv/a, /srv/b\\xff: bytes 42496 to 43007, at 1050112+512 of the device\n"));
  EXPECT_THAT(text, HasSubstr("Salvaged:\n  512 bytes from the page cache, "));
  EXPECT_THAT(text, HasSubstr("Restored:\n  512 bytes by a restore hook, "));
  EXPECT_THAT(text, HasSubstr("by recovery-write, sectors gggLCRgg\n"));
  EXPECT_THAT(text, HasSubstr("approved by   uid 1000 (anna), 2026-11-22T09:00:00Z\n"));
  EXPECT_THAT(text, HasSubstr("place on the device: moved\n"));
  EXPECT_THAT(text, Not(HasSubstr("NO")));
}

TEST(ReportText, SaysSoWhereNothingWasLost) {
  Report report = repaired();
  report.manifest = {};
  report.proof = Proof{};
  std::ostringstream out;
  print_report(out, report);
  EXPECT_THAT(out.str(), HasSubstr("Lost: nothing\nSalvaged: nothing\nRestored: nothing\n"));
  EXPECT_THAT(out.str(), HasSubstr("error no longer listed: NO\n"));
  EXPECT_THAT(out.str(), HasSubstr("place on the device: no file\n"));
}

TEST(ReportText, HasNoEmptyReason) {
  Report report = repaired();
  report.incident.reason.clear();
  std::ostringstream out;
  print_report(out, report);
  EXPECT_THAT(out.str(), Not(HasSubstr("because")));
  report.incident.reason = "proven";
  print_report(out, report);
  EXPECT_THAT(out.str(), HasSubstr("  because       proven\n"));
}

TEST(IncidentText, SaysWhereThereMayBeMoreNames) {
  Incident incident = samples::incident();
  std::ostringstream all;
  print_incident(all, incident);
  EXPECT_THAT(all.str(), Not(HasSubstr("  names ")));
  incident.owners.front().all_names = false;
  std::ostringstream some;
  print_incident(some, incident);
  EXPECT_THAT(some.str(), HasSubstr("  names         it may have more than these; pmendctl locate looks longer\n"));
  incident.owners.front().paths.clear();
  std::ostringstream none;
  print_incident(none, incident);
  EXPECT_THAT(none.str(), HasSubstr("  names         none was found in time, or it is deleted; "));
}

TEST(IncidentText, TellsOwnersPlanAndDecision) {
  std::ostringstream out;
  print_incident(out, samples::incident());
  const std::string text = out.str();
  EXPECT_THAT(text, HasSubstr("Incident 7 on /dev/pmem0: held\n"));
  EXPECT_THAT(text, HasSubstr("bytes 1050112 to 1050623 of the device (1050112+512)"));
  EXPECT_THAT(text, HasSubstr("/srv/a (and 1 other name), bytes 42496 to 43007\n"));
  EXPECT_THAT(text, HasSubstr("also named    /srv/b\\xff\n"));
  EXPECT_THAT(text, HasSubstr("recovery-write of 1 unit: 1536 bytes bad, 3584 can be saved, 512 would be lost\n"));
  EXPECT_THAT(text, HasSubstr("plan hash     " + samples::digest('c')));
  EXPECT_THAT(text, HasSubstr("hold, by the rule \"postgres-asks\"\n"));
  EXPECT_THAT(text, HasSubstr("post\\xffgres (pid 4711, pg.service), mapped\n"));
}

TEST(IncidentText, TableShowsHostileNamesEscaped) {
  Incident incident = samples::incident();
  incident.owners.front().paths = {{"/srv/\x1B]0;x\x07"}};
  incident.plan.reset();
  std::ostringstream out;
  print_incident_table(out, {incident, {.id = {8}, .device = "/dev/x\n", .device_range = {0, 1}}});
  EXPECT_EQ(out.str(),
            "ID  STATE     DEVICE       OFFSET  LENGTH  LOST  OWNER\n"
            " 7  held      /dev/pmem0  1050112     512     ?  /srv/\\x1b]0;x\\x07\n"
            " 8  detected  /dev/x\\x0a        0       1     ?  not known yet\n");
}

}  // namespace
}  // namespace pmend::ctl
