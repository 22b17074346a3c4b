// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/xfs_health.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cstring>
#include <limits>

namespace pmend::kernel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = HealthEvent::Kind;

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

// One event as the kernel writes it: domain, type, time, four words that depend on the type, and padding.
std::vector<std::byte> event(std::uint32_t domain, std::uint32_t type, std::array<std::uint64_t, 4> words) {
  std::vector<std::byte> bytes(64);
  std::memcpy(bytes.data(), &domain, sizeof(domain));
  std::memcpy(bytes.data() + 4, &type, sizeof(type));
  std::memcpy(bytes.data() + 16, words.data(), sizeof(words));
  return bytes;
}

HealthEvent only_event(std::uint32_t domain, std::uint32_t type, std::array<std::uint64_t, 4> words) {
  return parse_health_events(event(domain, type, words)).at(0);
}

TEST(HealthEvents, MachineCheckInAFileTellsThePlaceAndTheFile) {
  // What Linux 7.2 said of one in the page at 16384 of inode 131.
  auto bytes = event(5, 7, {200, 8, 0, 0});
  const auto lost = event(8, 12, {16384, 4096, 131, (5ULL << 32U) | 77U});
  bytes.insert(bytes.end(), lost.begin(), lost.end());
  HealthEvent media{.kind = Kind::kMediaError, .range = {102400, 4096}};
  HealthEvent data{.kind = Kind::kDataLost, .range = {16384, 4096}, .inode = 131, .generation = 77};
  EXPECT_THAT(parse_health_events(bytes), ElementsAre(media, data));
}

TEST(HealthEvents, LostEventsAreCountedWhoeverTells) {
  EXPECT_EQ(only_event(0, 1, {42, 0, 0, 0}), (HealthEvent{.kind = Kind::kLost, .count = 42}));
}

TEST(HealthEvents, ReasonsOfAShutdownAreInWords) {
  EXPECT_EQ(only_event(0, 6, {2 | 32, 0, 0, 0}).reasons, "error of its journal, its device is gone");
  EXPECT_EQ(only_event(0, 6, {1ULL << 20U, 0, 0, 0}).reasons, "reason 1048576");
}

TEST(HealthEvents, UnmountIsTold) {
  EXPECT_EQ(only_event(0, 2, {}).kind, Kind::kUnmounted);
}

TEST(HealthEvents, OtherDevicesAndHealthOfMetadataAreNoMediaErrors) {
  EXPECT_EQ(only_event(6, 7, {200, 8, 0, 0}).kind, Kind::kOther);     // the realtime device
  EXPECT_EQ(only_event(7, 7, {200, 8, 0, 0}).kind, Kind::kOther);     // the log's
  EXPECT_EQ(only_event(3, 3, {}).kind, Kind::kOther);                 // a sick inode
  EXPECT_EQ(only_event(8, 8, {0, 4096, 131, 0}).kind, Kind::kOther);  // a read that failed
  EXPECT_EQ(only_event(99, 99, {kMost, kMost, kMost, kMost}).kind, Kind::kOther);
}

TEST(HealthEvents, PlacesThatNoDeviceOrFileHasAreIgnored) {
  EXPECT_EQ(only_event(5, 7, {kMost, 1, 0, 0}).kind, Kind::kOther);
  EXPECT_EQ(only_event(5, 7, {1ULL << 54U, 1ULL << 54U, 0, 0}).kind, Kind::kOther);
  EXPECT_EQ(only_event(5, 7, {200, 0, 0, 0}).kind, Kind::kOther);
  EXPECT_EQ(only_event(8, 12, {4096, kMost, 131, 0}).kind, Kind::kOther);
}

TEST(HealthEvents, PartOfAnEventIsNone) {
  auto bytes = event(5, 7, {200, 8, 0, 0});
  bytes.resize(100);
  EXPECT_EQ(parse_health_events(bytes).size(), 1U);
  bytes.resize(63);
  EXPECT_THAT(parse_health_events(bytes), IsEmpty());
}

}  // namespace
}  // namespace pmend::kernel
