// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/outcome_from_errno.hpp"

#include <gtest/gtest.h>

#include <future>
#include <map>

namespace pmend::repair {
namespace {

const std::map<int, Outcome>& rows() {
  static const std::map<int, Outcome> table{
      {EAGAIN, Outcome::kBusyRetry},
      {EBUSY, Outcome::kBusyRetry},
      {ETXTBSY, Outcome::kBusyRetry},
      {ENOMEM, Outcome::kBusyRetry},
      {EMFILE, Outcome::kBusyRetry},
      {ENFILE, Outcome::kBusyRetry},
      {ENOSPC, Outcome::kBusyRetry},
      {EDQUOT, Outcome::kBusyRetry},
      {ESTALE, Outcome::kTargetChanged},
      {ENOENT, Outcome::kTargetChanged},
      {ENODEV, Outcome::kTargetChanged},
      {ENXIO, Outcome::kTargetChanged},
      {EROFS, Outcome::kRefused},
      {EPERM, Outcome::kRefused},
      {EACCES, Outcome::kRefused},
      {EOPNOTSUPP, Outcome::kNotSupported},
      {ENOSYS, Outcome::kNotSupported},
      {ENOTTY, Outcome::kNotSupported},
      {EINVAL, Outcome::kNotSupported},
      {EIO, Outcome::kPermanentFailure},
      {ENODATA, Outcome::kPermanentFailure},
      {EILSEQ, Outcome::kPermanentFailure},
      {EREMOTEIO, Outcome::kPermanentFailure},
      {EFAULT, Outcome::kPermanentFailure},
      {EUCLEAN, Outcome::kPermanentFailure},
      {EINTR, Outcome::kInterrupted},
      {ETIMEDOUT, Outcome::kIndeterminate},
  };
  return table;
}

TEST(OutcomeFromErrno, EveryRowSaysWhatItsCommentSays) {
  for (const auto& [number, outcome] : rows()) {
    EXPECT_EQ(outcome_from_errno(number), outcome) << strerrorname_np(number);
  }
}

TEST(OutcomeFromErrno, WhateverHasNoRowIsIndeterminate) {
  for (int number = -5; number < 4096; ++number) {
    if (!rows().contains(number)) {
      EXPECT_EQ(outcome_from_errno(number), Outcome::kIndeterminate) << number;
    }
  }
}

TEST(OutcomeFromErrno, NoFailureIsEverSuccess) {
  for (int number = -5; number < 4096; ++number) {
    EXPECT_NE(outcome_from_errno(number), Outcome::kSucceeded) << number;
    EXPECT_NE(outcome_from_errno(number), Outcome::kUnnecessary) << number;
  }
}

TEST(OutcomeFromErrno, ErrorsOfOurOwnHaveRowsToo) {
  const auto outcome = [](Errc code) { return outcome_of(fail(code, "x").value()); };
  EXPECT_EQ(outcome(Errc::kStale), Outcome::kTargetChanged);
  EXPECT_EQ(outcome(Errc::kGone), Outcome::kTargetChanged);
  EXPECT_EQ(outcome(Errc::kNotFound), Outcome::kTargetChanged);
  EXPECT_EQ(outcome(Errc::kRefused), Outcome::kRefused);
  EXPECT_EQ(outcome(Errc::kUnsupported), Outcome::kNotSupported);
  for (const Errc code : {Errc::kInvalid, Errc::kIncomplete, Errc::kTimedOut, Errc::kCorrupt, Errc::kInternal}) {
    EXPECT_EQ(outcome(code), Outcome::kIndeterminate);
  }
  EXPECT_EQ(outcome_of(fail_errno("x", ETXTBSY).value()), Outcome::kBusyRetry);
  EXPECT_EQ(outcome_of(Error{std::make_error_code(std::future_errc::no_state), "x"}), Outcome::kIndeterminate);
}

TEST(OutcomeFromErrno, OnlyMediumErrorsSayThatBytesAreLost) {
  for (const int number : {EIO, ENODATA, EILSEQ, EREMOTEIO}) {
    EXPECT_TRUE(is_medium_error(number));
  }
  for (const int number : {0, EINVAL, ETIMEDOUT, EFAULT, ENOMEM, ENXIO, ENOLINK}) {
    EXPECT_FALSE(is_medium_error(number)) << number;
  }
}

}  // namespace
}  // namespace pmend::repair
