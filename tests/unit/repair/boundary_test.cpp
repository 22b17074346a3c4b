// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/boundary.hpp"

#include "pmend/base/unique_fd.hpp"
#include "pmend/repair/child.hpp"
#include "unit/repair/temp_dir.hpp"

#include <csignal>

namespace pmend::repair {
namespace {

#ifdef PMEND_TEST_BOUNDARIES

class BoundaryTest : public TempDirTest {};

// Passes three boundaries in a child, which has its own count.
ChildResult pass_three(const char* variable, const std::string& value) {
  const auto result = run_in_child(std::chrono::seconds(60), [&] {
    setenv(variable, value.c_str(), 1);
    boundary("first");
    boundary("second");
    boundary("third");
    return 3;
  });
  return result.value();
}

TEST_F(BoundaryTest, IsLoggedWithItsNumber) {
  const std::string log = directory_ / "log";
  EXPECT_EQ(pass_three("PMEND_BOUNDARY_LOG", log).value, 3);
  EXPECT_EQ(read_text_file(log).value(), "1 first\n2 second\n3 third\n");
}

TEST_F(BoundaryTest, KillsAtTheOneThatWasAskedFor) {
  const auto result = pass_three("PMEND_KILL_AT", "2");
  EXPECT_EQ(result.end, ChildEnd::kSignal);
  EXPECT_EQ(result.value, SIGKILL);
}

TEST_F(BoundaryTest, GarbageInTheEnvironmentIsNoBoundary) {
  for (const char* value : {"", "0", "-1", "two", "99"}) {
    EXPECT_EQ(pass_three("PMEND_KILL_AT", value).value, 3) << value;
  }
}

#endif

}  // namespace
}  // namespace pmend::repair
