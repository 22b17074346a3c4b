// SPDX-License-Identifier: Apache-2.0
#include "medium/poison_map.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmend::medium {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t kMapBytes = 1000 * kSectorBytes;

ByteRange at_sectors(std::uint64_t first, std::uint64_t count) {
  return {first * kSectorBytes, count * kSectorBytes};
}

SteadyTime at_second(int second) {
  return SteadyTime(std::chrono::seconds(second));
}

TEST(PoisonMap, ListsPoisonAndPhantomsInOneOrder) {
  PoisonMap map;
  map.poison(at_sectors(100, 2));
  map.add_phantom(at_sectors(8, 1));
  map.add_phantom(at_sectors(102, 1));
  EXPECT_THAT(map.listed(1, kMapBytes), ElementsAre(SectorRange{8, 1}, SectorRange{100, 3}));
  EXPECT_EQ(map.describe({}), "8 1 phantom\n100 2 poison\n102 1 phantom\n");
}

TEST(PoisonMap, LargerListUnitRoundsOutButNotPastTheDisk) {
  PoisonMap map;
  map.poison(at_sectors(9, 1));
  map.poison(at_sectors(15, 2));
  map.poison(at_sectors(999, 1));
  EXPECT_THAT(map.listed(8, 997 * kSectorBytes + 3 * kSectorBytes),
              ElementsAre(SectorRange{8, 16}, SectorRange{992, 8}));
  EXPECT_THAT(PoisonMap().listed(8, kMapBytes), IsEmpty());
  PoisonMap last;
  last.poison(at_sectors(9, 1));
  EXPECT_THAT(last.listed(8, 10 * kSectorBytes), ElementsAre(SectorRange{8, 2}));
}

TEST(PoisonMap, NoSectorIsPoisonAndPhantom) {
  PoisonMap map;
  map.poison(at_sectors(10, 2));
  map.add_phantom(at_sectors(8, 8));
  EXPECT_EQ(map.describe({}), "8 2 phantom\n10 2 poison\n12 4 phantom\n");
  map.poison(at_sectors(8, 8));
  EXPECT_EQ(map.describe({}), "8 8 poison\n");
}

TEST(PoisonMap, CureTakesOnlyTheGivenSectors) {
  PoisonMap map;
  map.poison(at_sectors(8, 8));
  map.add_phantom(at_sectors(16, 8));
  map.cure(at_sectors(12, 8), std::nullopt);
  EXPECT_EQ(map.describe({}), "8 4 poison\n20 4 phantom\n");
  EXPECT_FALSE(map.next_return().has_value());
}

TEST(PoisonMap, OnlyCuredPoisonReturnsAndNotPhantoms) {
  PoisonMap map;
  map.poison(at_sectors(8, 1));
  map.add_phantom(at_sectors(9, 1));
  map.cure(at_sectors(0, 100), at_second(5));
  EXPECT_EQ(map.describe(at_second(2)), "8 1 returns-in-3\n");
  EXPECT_THAT(map.take_due(at_second(4)), IsEmpty());
  EXPECT_THAT(map.take_due(at_second(5)), ElementsAre(at_sectors(8, 1)));
  EXPECT_EQ(map.describe({}), "8 1 poison\n");
  EXPECT_FALSE(map.next_return().has_value());
}

TEST(PoisonMap, RemainingTimeIsRoundedUpAndNeverNegative) {
  PoisonMap map;
  map.schedule(at_sectors(8, 1), at_second(5));
  EXPECT_EQ(map.describe(SteadyTime(std::chrono::milliseconds(4001))), "8 1 returns-in-1\n");
  EXPECT_EQ(map.describe(at_second(9)), "8 1 returns-in-0\n");
}

TEST(PoisonMap, RemoveForgetsReturnsToo) {
  PoisonMap map;
  map.schedule(at_sectors(8, 8), at_second(5));
  map.remove(at_sectors(10, 2));
  EXPECT_THAT(map.take_due(at_second(5)), ElementsAre(at_sectors(8, 2), at_sectors(12, 4)));
}

TEST(PoisonMap, ASecondCureMovesTheReturn) {
  PoisonMap map;
  map.schedule(at_sectors(8, 2), at_second(5));
  map.poison(at_sectors(8, 2));
  map.cure(at_sectors(8, 1), at_second(9));
  EXPECT_EQ(map.describe({}), "8 1 returns-in-9\n9 1 poison\n9 1 returns-in-5\n");
  EXPECT_EQ(map.next_return(), at_second(5));
}

TEST(PoisonMap, TakesTheHighestSectorThereIs) {
  PoisonMap map;
  const ByteRange last = at_sectors((std::uint64_t{1} << 54U) - 2, 1);
  map.poison(last);
  EXPECT_TRUE(map.poisoned().covers(last));
  EXPECT_THAT(map.listed(8, std::uint64_t{1} << 63U), ElementsAre(SectorRange{(std::uint64_t{1} << 54U) - 8, 8}));
}

}  // namespace
}  // namespace pmend::medium
