// SPDX-License-Identifier: Apache-2.0
#include "pmend/model/json_reader.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/model/repair_verbs.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>

#include <string>

// Rules of bodies that go beyond the types of their members; round_trip_test.cpp has the rest.
namespace pmend::protocol {
namespace {

template <class T>
std::string error_of(const T& value) {
  const auto read = from_json<T>(to_json(value));
  return read ? "taken" : read.error().what;
}

TEST(DeviceInfo, HasBlockSizesThatAreSafeToRoundTo) {
  for (const std::uint64_t size : {0ULL, 1ULL, 256ULL, 4095ULL, 1ULL << 63U}) {
    DeviceInfo device = samples::device_info();
    device.logical_block_size = size;
    EXPECT_NE(error_of(device), "taken") << size;
  }
  for (const std::uint64_t size : {0ULL, 512ULL, 5000ULL}) {
    DeviceInfo device = samples::device_info();
    device.logical_block_size = 4096;
    device.repair_unit = size;
    EXPECT_NE(error_of(device), "taken") << size;
  }
}

TEST(Observation, SaysSomethingOfEachRange) {
  Observation observation = samples::observation();
  observation.ranges[0].owners.clear();
  EXPECT_EQ(error_of(observation), "/ranges/0: expected at least one owner, of kind \"unknown\" if nothing is known");
}

TEST(PlanReply, IsEitherPlanOrRefusal) {
  EXPECT_EQ(error_of(PlanReply{}), "expected either a plan or a refusal");
  EXPECT_EQ(error_of(PlanReply{samples::plan(), PlanRefusal{}}), "expected either a plan or a refusal");
}

TEST(LocateRequest, IsOneQuestion) {
  const std::string one = "expected one of where, path and among";
  EXPECT_EQ(error_of(LocateRequest{}), one);
  EXPECT_EQ(error_of(LocateRequest{DeviceRange{"/dev/pmem0", {0, 512}}, FilePath{"/a"}}), one);
  EXPECT_EQ(error_of(LocateRequest{{}, FilePath{"/a"}, DeviceRanges{"/dev/pmem0", {{0, 512}}}}), one);
}

TEST(DeviceRanges, AreAsManyAsFitIntoAMessage) {
  constexpr ByteRange kLongest{4611686018427387904U, 4611686018427387903U};
  DeviceRanges among{std::string(4095, '/'), std::vector(kMostLocateRanges - 1, kLongest)};
  EXPECT_EQ(error_of(DeviceRanges{"/dev/pmem0", {}}), "expected 1 to 1000 ranges");
  among.ranges.resize(kMostLocateRanges, kLongest);
  EXPECT_EQ(error_of(among), "taken");
  EXPECT_TRUE(encode(Request{{1}, Verb::kLocate, 1, {}, to_json(LocateRequest{{}, {}, among})}));
  among.ranges.resize(kMostLocateRanges + 1, kLongest);
  EXPECT_EQ(error_of(among), "expected 1 to 1000 ranges");
}

TEST(ListedDevice, IsReadNeitherAllTheTimeNorNever) {
  EXPECT_EQ(error_of(ListedDevice{"/dev/loop3", FilePath{"/list"}, 1}), "taken");
  EXPECT_NE(error_of(ListedDevice{"/dev/loop3", FilePath{"/list"}, 0}), "taken");
  EXPECT_NE(error_of(ListedDevice{"/dev/loop3", FilePath{"/list"}, kMaxIntervalS + 1}), "taken");
}

TEST(SpoolKey, IsSafeAsAFileName) {
  EXPECT_TRUE(is_spool_key("job-3"));
  EXPECT_TRUE(is_spool_key(std::string(64, 'a')));
  const std::string hostile[] = {
      "", "-rf", ".", "..", "../job-3", "a/b", "A", "job 3", std::string(65, 'a'), std::string("a\0b", 3)};
  for (const std::string& key : hostile) {
    EXPECT_FALSE(is_spool_key(key)) << key;
    RepairRequest request = samples::repair_request();
    request.spool_key = key;
    EXPECT_NE(error_of(request), "taken") << key;
    EXPECT_NE(error_of(ReleaseRequest{{3}, key}), "taken") << key;
    EXPECT_NE(error_of(InspectReply{{}, {key}, {}}), "taken") << key;
  }
}

TEST(RepairRequest, NamesAJobAndAPlan) {
  RepairRequest request = samples::repair_request();
  request.job = {};
  EXPECT_NE(error_of(request), "taken");
  request = samples::repair_request();
  request.plan_hash = "c";
  EXPECT_NE(error_of(request), "taken");
}

}  // namespace
}  // namespace pmend::protocol
