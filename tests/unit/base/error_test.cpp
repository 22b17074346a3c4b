// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/error.hpp"

#include <gtest/gtest.h>

namespace pmend {
namespace {

TEST(Error, ReadsAsWhatWasDoneAndWhy) {
  EXPECT_EQ(fail_errno("open /dev/loop3", ENOENT).value().message(), "open /dev/loop3: No such file or directory");
  EXPECT_EQ(fail(Errc::kIncomplete, "list").value().message(), "list: incomplete");
}

TEST(Error, ContextGrowsOutwards) {
  const Error inner = fail_errno("read", EIO).value();
  EXPECT_EQ(wrap(inner, "file /a").value().message(), "file /a: read: Input/output error");
}

TEST(Error, OwnCodesAndErrnosAreNeverMistakenForEachOther) {
  const Error own = fail(Errc::kInvalid, "").value();
  EXPECT_TRUE(own.is(Errc::kInvalid));
  EXPECT_FALSE(own.is_errno(static_cast<int>(Errc::kInvalid)));
  const Error system = fail_errno("", EIO).value();
  EXPECT_TRUE(system.is_errno(EIO));
  EXPECT_FALSE(system.is(Errc::kInvalid));
}

}  // namespace
}  // namespace pmend
