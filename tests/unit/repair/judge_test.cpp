// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/proof.hpp"

#include <gtest/gtest.h>

namespace pmend::repair {
namespace {

constexpr UnitLook kHealed{
    .unlisted = true, .list_cut = false, .readable = true, .equal = true, .unchanged = false, .neighbours = true};
constexpr UnitLook kAsBad{
    .unlisted = false, .list_cut = false, .readable = false, .equal = false, .unchanged = true, .neighbours = true};

Outcome judged(const UnitLook& look, const std::optional<Error>& failure = std::nullopt) {
  return judge(look, Exclusion::kLease, failure).outcome;
}

Error errno_error(int number) {
  return fail_errno("pwrite", number).value();
}

TEST(Judge, OnlyAFullLookIsSuccess) {
  EXPECT_EQ(judged(kHealed), Outcome::kSucceeded);
  for (bool UnitLook::*part : {&UnitLook::unlisted, &UnitLook::readable, &UnitLook::equal, &UnitLook::neighbours}) {
    UnitLook look = kHealed;
    look.*part = false;
    EXPECT_NE(judged(look), Outcome::kSucceeded);
  }
}

TEST(Judge, ASuccessCodeOverSectorsThatStayBadIsALyingMedium) {
  const Ending ending = judge(kAsBad, Exclusion::kLease, std::nullopt);
  EXPECT_EQ(ending.outcome, Outcome::kPermanentFailure);
  EXPECT_NE(ending.reason.find("does not tell the truth"), std::string::npos);
}

TEST(Judge, OtherBytesThanWrittenAreALyingMediumOnlyIfNobodyElseCouldWrite) {
  UnitLook look = kHealed;
  look.equal = false;
  EXPECT_EQ(judge(look, Exclusion::kLease, std::nullopt).outcome, Outcome::kPermanentFailure);
  EXPECT_EQ(judge(look, Exclusion::kNone, std::nullopt).outcome, Outcome::kIndeterminate);
}

TEST(Judge, ARefusedWriteIsPermanentOnlyIfNothingChanged) {
  EXPECT_EQ(judged(kAsBad, errno_error(EIO)), Outcome::kPermanentFailure);
  UnitLook half = kAsBad;
  half.unchanged = false;
  EXPECT_EQ(judged(half, errno_error(EIO)), Outcome::kIndeterminate);
}

TEST(Judge, AFailedCallIsNeverSuccessWhateverIsSeen) {
  EXPECT_EQ(judged(kHealed, errno_error(EIO)), Outcome::kIndeterminate);
}

TEST(Judge, AnErrnoThatNobodyKnowsIsIndeterminateAlsoIfNothingChanged) {
  EXPECT_EQ(judged(kAsBad, errno_error(ENOLINK)), Outcome::kIndeterminate);
}

TEST(Judge, AListThatWasCutShortProvesNothing) {
  UnitLook look = kHealed;
  look.unlisted = false;
  look.list_cut = true;
  EXPECT_EQ(judged(look), Outcome::kIndeterminate);
}

}  // namespace
}  // namespace pmend::repair
