// SPDX-License-Identifier: Apache-2.0
#include "ctl/client.hpp"

#include <gtest/gtest.h>

namespace pmend::ctl {
namespace {

struct StatusRow {
  const char* name;
  int status;
};

TEST(ErrorStatus, FollowsTheContract) {
  const std::vector<StatusRow> rows = {
      {"org.pmend1.Error.NotFound", 3},
      {"org.pmend1.Error.NotAuthorized", 4},
      {"org.freedesktop.DBus.Error.AccessDenied", 4},
      {"org.pmend1.Error.StalePlan", 1},
      {"org.pmend1.Error.Busy", 1},
      {"org.pmend1.Error.Unavailable", 1},
      {"org.pmend1.Error.Invalid", 1},
      {"org.pmend1.Error.Another", 1},
      {"org.freedesktop.DBus.Error.ServiceUnknown", 69},
      {"org.freedesktop.DBus.Error.Spawn.ChildExited", 69},
      {"org.freedesktop.DBus.Error.NoReply", 69},
      {"org.freedesktop.DBus.Error.UnknownMethod", 1},
      {"", 1},
  };
  for (const StatusRow& row : rows) {
    EXPECT_EQ(status_of_error(row.name), row.status) << row.name;
  }
}

}  // namespace
}  // namespace pmend::ctl
