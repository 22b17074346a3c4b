// SPDX-License-Identifier: Apache-2.0
#include "pmend/engine/flight_recorder.hpp"

#include <gtest/gtest.h>

namespace pmend::engine {
namespace {

TEST(FlightRecorder, KeepsInputsWithTheirCommandsInOrder) {
  FlightRecorder recorder;
  recorder.note(MountsChanged{}, {Inspect{}});
  recorder.note(Shutdown{}, {});
  EXPECT_EQ(recorder.dump(),
            "{\"body\":{},\"input\":\"mounts-changed\"}\n"
            "{\"body\":{},\"command\":\"inspect\"}\n"
            "{\"body\":{},\"input\":\"shutdown\"}\n");
}

TEST(FlightRecorder, ForgetsTheOldestWhenItIsFull) {
  FlightRecorder recorder(1000);
  for (int i = 0; i < 100; ++i) {
    recorder.note(MountsChanged{}, {Inspect{}});
    EXPECT_LE(recorder.bytes(), 1000U);
  }
  EXPECT_EQ(recorder.dump().rfind("{\"body\":{},\"input\"", 0), 0U);
  EXPECT_EQ(recorder.dump().size(), recorder.bytes());
}

TEST(FlightRecorder, KeepsNothingOfWhatIsTooLarge) {
  FlightRecorder recorder(10);
  recorder.note(MountsChanged{}, {});
  EXPECT_EQ(recorder.dump(), "");
  EXPECT_EQ(recorder.bytes(), 0U);
}

}  // namespace
}  // namespace pmend::engine
