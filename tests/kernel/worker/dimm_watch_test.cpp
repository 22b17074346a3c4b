// SPDX-License-Identifier: Apache-2.0
// Health events of a DIMM, from a file that signals changes as its attribute in sysfs does: the medium's.
#include "worker/observe/dimm_watch.hpp"

#include "kernel/kernel_test.hpp"
#include "support/world.hpp"

#include <gtest/gtest.h>

namespace pmend::world {
namespace {

class DimmWatching : public KernelTest {};

TEST_F(DimmWatching, EachEventIsTold) {
  World world({.fs = {.type = FsType::kExt4}});
  boost::asio::io_context io;
  int events = 0;
  worker::DimmWatch watch(io, "nmem0", world.medium().badblocks_path(), [&events] { ++events; });
  ASSERT_TRUE(watch.is_watching());
  for (std::uint64_t i = 1; i <= 3; ++i) {
    world.medium().poison({i * 1048576, 512});
    while (events < static_cast<int>(i)) {
      io.run_one();
    }
  }
  EXPECT_EQ(watch.counters().events, 3U);
  EXPECT_EQ(watch.counters().gaps, 0U);
  EXPECT_EQ(watch.counters().source, "dimm-health");
  EXPECT_EQ(watch.counters().place, "nmem0");
  world.medium().unpoison({0, world.medium().size_bytes()});
}

TEST_F(DimmWatching, WhatIsNotThereOrCannotBePolledIsNotWatched) {
  boost::asio::io_context io;
  const auto never = [] { ADD_FAILURE(); };
  EXPECT_FALSE(worker::DimmWatch(io, "nmem0", "/nonexistent/flags", never).is_watching());
  EXPECT_FALSE(worker::DimmWatch(io, "nmem0", "/etc/passwd", never).is_watching());
}

}  // namespace
}  // namespace pmend::world
