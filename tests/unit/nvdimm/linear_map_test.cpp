// SPDX-License-Identifier: Apache-2.0
#include "pmend/nvdimm/linear_map.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pmend::nvdimm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

LinearMap made(std::vector<LinearPiece> pieces) {
  return LinearMap::make(std::move(pieces)).value();
}

TEST(LinearMap, CutsAtTheBordersOfItsPieces) {
  const LinearMap map = made({{{0, 1000}, 5000}, {{1000, 500}, 100}});
  EXPECT_THAT(map.down({900, 200}), ElementsAre(LinearPiece{{900, 100}, 5900}, LinearPiece{{1000, 100}, 100}));
  EXPECT_THAT(map.down({1499, 100}), ElementsAre(LinearPiece{{1499, 1}, 599}));
  EXPECT_THAT(map.down({1500, 1}), IsEmpty());
  EXPECT_THAT(map.up({5999, 2}), ElementsAre(LinearPiece{{999, 1}, 5999}));
  EXPECT_THAT(map.up({99, 1}), IsEmpty());
}

TEST(LinearMap, GoesUpInOrderOfTheLowerSide) {
  const LinearMap map = made({{{0, 10}, 90}, {{10, 10}, 50}});
  EXPECT_THAT(map.up({0, 1000}), ElementsAre(LinearPiece{{10, 10}, 50}, LinearPiece{{0, 10}, 90}));
}

TEST(LinearMap, JoinsWhatTouchesOnBothSides) {
  EXPECT_THAT(made({{{10, 10}, 110}, {{0, 10}, 100}}).pieces(), ElementsAre(LinearPiece{{0, 20}, 100}));
}

TEST(LinearMap, RefusesPiecesThatOverlapOrWrap) {
  EXPECT_FALSE(LinearMap::make({{{0, 10}, 0}, {{9, 10}, 100}}));
  EXPECT_FALSE(LinearMap::make({{{0, 10}, 0}, {{10, 10}, 9}}));
  EXPECT_FALSE(LinearMap::make({{{0, 10}, ~0ULL - 5}}));
  EXPECT_FALSE(LinearMap::make({{{~0ULL - 5, 10}, 0}}));
}

TEST(LinearMap, StacksWithWhatLiesBelow) {
  const LinearMap partition = made({{{0, 100}, 50}});
  const LinearMap disk = made({{{0, 120}, 7000}});
  // Its last 30 bytes lie behind the disk's end, as after somebody made the disk smaller.
  EXPECT_THAT(stack(partition, disk).pieces(), ElementsAre(LinearPiece{{0, 70}, 7050}));
}

}  // namespace
}  // namespace pmend::nvdimm
