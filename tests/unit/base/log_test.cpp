// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/log.hpp"

#include <gtest/gtest.h>

namespace pmend::log {
namespace {

TEST(LogExpand, PutsFieldsIntoTheText) {
  EXPECT_EQ(expand("incident {INCIDENT} is {STATE}", {{"INCIDENT", "7"}, {"STATE", "held"}}), "incident 7 is held");
}

TEST(LogExpand, LeavesWhatHasNoFieldAlone) {
  EXPECT_EQ(expand("{A} {B} {", {{"A", "1"}}), "1 {B} {");
  EXPECT_EQ(expand("", {}), "");
}

TEST(LogExpand, DoesNotExpandValues) {
  EXPECT_EQ(expand("{A}", {{"A", "{B}"}, {"B", "x"}}), "{B}");
}

TEST(LogSink, OneRecordIsOneLineWhateverTheTextHolds) {
  testing::internal::CaptureStderr();
  StderrSink(false).write(make_record(Level::kWarning, "file {PATH}", {{"PATH", "a\nb\x1b[0m"}}));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "<4>file a?b?[0m\n");
}

TEST(LogSink, DropsWhatIsFinerThanItsLevel) {
  testing::internal::CaptureStderr();
  StderrSink sink(true, Level::kNotice);
  sink.write(make_record(Level::kInfo, "fine"));
  sink.write(make_record(Level::kNotice, "coarse"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "coarse\n");
}

}  // namespace
}  // namespace pmend::log
