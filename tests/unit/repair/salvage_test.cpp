// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/salvage.hpp"

#include <gtest/gtest.h>

namespace pmend::repair {
namespace {

constexpr std::uint64_t kUnitAt = 1U << 20U;

PlannedUnit unit_at(std::uint64_t file_offset, std::uint64_t length) {
  return {Unit{{kUnitAt, length}, Method::kRewrite, ""}, {Mapping{{7, 1}, file_offset, {kUnitAt, length}}}};
}

SectorsRead device_read(const std::vector<bool>& readable, std::byte fill) {
  SectorsRead read{{kUnitAt, readable.size() * kSectorBytes}, readable, {}};
  for (const bool good : readable) {
    read.bytes.insert(read.bytes.end(), kSectorBytes, good ? fill : std::byte{0});
  }
  return read;
}

PageView cached_page(std::uint64_t file_offset, std::byte fill) {
  return {CacheState::kWhole, {file_offset, kPageBytes}, std::vector<std::byte>(kPageBytes, fill)};
}

TEST(Salvage, WithoutCacheBadSectorsAreLostAndTheOthersKept) {
  const auto read = device_read({true, false, true}, std::byte{5});
  const Salvaged result = combine(unit_at(0, 1536), read, {{CacheState::kAbsent, {0, kPageBytes}, {}}});
  EXPECT_EQ(result.sectors, "gLg");
  EXPECT_EQ(result.bytes, read.bytes);
  EXPECT_FALSE(result.is_wholly_cached());
}

TEST(Salvage, CachedBytesFillBadSectors) {
  const Salvaged result =
      combine(unit_at(512, 1024), device_read({false, true}, std::byte{5}), {cached_page(0, std::byte{5})});
  EXPECT_EQ(result.sectors, "Cg");
  EXPECT_EQ(result.bytes, std::vector<std::byte>(1024, std::byte{5}));
  EXPECT_TRUE(result.is_wholly_cached());
}

TEST(Salvage, TheCacheIsTheTruthAlsoOverSectorsThatTheDeviceGives) {
  // A write-back that failed left the only copy of a committed write in the cache.
  const Salvaged result =
      combine(unit_at(0, 1024), device_read({false, true}, std::byte{1}), {cached_page(0, std::byte{2})});
  EXPECT_EQ(result.sectors, "Cg");
  EXPECT_EQ(result.bytes, std::vector<std::byte>(1024, std::byte{2}));
}

TEST(Salvage, APageThatIsNotValidAsAWholeGivesItsBytesButCannotBeWrittenBack) {
  PageView partly = cached_page(0, std::byte{2});
  partly.state = CacheState::kPartly;
  const Salvaged result = combine(unit_at(0, 512), device_read({false}, std::byte{1}), {std::move(partly)});
  EXPECT_EQ(result.sectors, "C");
  EXPECT_EQ(result.bytes, std::vector<std::byte>(512, std::byte{2}));
  EXPECT_FALSE(result.is_wholly_cached());
}

TEST(Salvage, APageThatIsNotThereGivesNothing) {
  const Salvaged result =
      combine(unit_at(0, 512), device_read({false}, std::byte{1}), {{CacheState::kAbsent, {0, kPageBytes}, {}}});
  EXPECT_EQ(result.sectors, "L");
}

TEST(Salvage, EachSectorComesFromItsOwnPage) {
  auto pages = std::vector{cached_page(0, std::byte{1}), cached_page(kPageBytes, std::byte{2})};
  const Salvaged result = combine(unit_at(kPageBytes - 512, 1024), device_read({false, false}, {}), std::move(pages));
  EXPECT_EQ(result.sectors, "CC");
  EXPECT_EQ(result.bytes[511], std::byte{1});
  EXPECT_EQ(result.bytes[512], std::byte{2});
}

TEST(SectorsDifference, EqualIsNone) {
  EXPECT_EQ(sectors_difference("gLg", "gLg"), std::nullopt);
}

TEST(SectorsDifference, MoreLossIsNamedAsSuch) {
  EXPECT_NE(sectors_difference("gC", "gL")->find("more would be lost"), std::string::npos);
  EXPECT_NE(sectors_difference("gC", "LC")->find("more would be lost"), std::string::npos);
}

TEST(SectorsDifference, LessLossIsADifferenceToo) {
  for (const char* now : {"gC", "gg"}) {
    EXPECT_EQ(sectors_difference("gL", now)->find("more would be lost"), std::string::npos);
  }
}

}  // namespace
}  // namespace pmend::repair
