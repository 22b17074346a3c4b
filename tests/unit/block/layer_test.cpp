// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/layer.hpp"

#include "pmend/block/dm_layer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/sysmacros.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

namespace pmend::block {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const dev_t kA = makedev(8, 1);
const dev_t kB = makedev(8, 2);

ByteRange sectors(std::uint64_t first, std::uint64_t count) {
  return {first * 512, count * 512};
}

TEST(DmLayer, LinearTargetLiesWhereItsTableSays) {
  const Layer layer = layer_of_dm({{sectors(0, 100), "linear", "8:1 2048"}, {sectors(100, 50), "linear", "8:2 7"}});
  const auto up = to_upper(layer, kB, sectors(0, 9));
  ASSERT_TRUE(up.has_value());
  EXPECT_THAT(*up, ElementsAre(SameBytes{sectors(7, 2), sectors(100, 2), kB}));
  const auto down = to_lower(layer, sectors(98, 4));
  ASSERT_TRUE(down.has_value());
  EXPECT_THAT(*down, ElementsAre(SameBytes{sectors(2146, 2), sectors(98, 2), kA},
                                 SameBytes{sectors(7, 2), sectors(100, 2), kB}));
  EXPECT_THAT(*to_upper(layer, kA, sectors(0, 2048)), IsEmpty());
  EXPECT_THAT(*to_upper(layer, kA, sectors(2148, 100)), IsEmpty());
}

// Worked out by hand from dm-stripe.c: chunk 5 of three stripes is the second chunk of the third.
TEST(DmLayer, StripesGoRoundInChunks) {
  const Layer layer = layer_of_dm({{sectors(0, 48), "striped", "3 8 8:1 0 8:2 100 8:1 1000"}});
  const auto down = to_lower(layer, sectors(5 * 8 + 3, 1));
  ASSERT_TRUE(down.has_value());
  EXPECT_THAT(*down, ElementsAre(SameBytes{sectors(1000 + 8 + 3, 1), sectors(43, 1), kA}));
}

TEST(DmLayer, OtherTargetsAndTablesThatCannotBeAreNamed) {
  for (const auto& [type, parameters] :
       std::multimap<std::string, std::string>{{"crypt", ""},
                                               {"thin", "8:1 1"},
                                               {"linear", ""},
                                               {"linear", "8:1"},
                                               {"linear", "8:1 -5"},
                                               {"linear", "8 5"},
                                               {"linear", "8:1 18446744073709551615"},
                                               {"linear", "8:1 5 6"},
                                               {"striped", "2 8 8:1 0"},
                                               {"striped", "2 0 8:1 0 8:2 0"},
                                               {"striped", "0 8"},
                                               {"striped", "3 8 8:1 0 8:2 0 8:2 5"},
                                               {"striped", "4611686018427387905 8 8:1 0 8:2 0"},
                                               {"striped", "2 8 8:1 0 8:2 x"}}) {
    const Layer layer = layer_of_dm({{sectors(0, 32), type, parameters}});
    EXPECT_THAT(layer.segments, IsEmpty()) << type << " " << parameters;
    ASSERT_THAT(layer.unfollowed, SizeIs(1));
    EXPECT_EQ(layer.unfollowed[0].why, "dm-" + type);
  }
}

TEST(Layer, TooManyPiecesAreAnError) {
  const Layer layer{{{{0, 1ULL << 40U}, 512, {{kA, 0}, {kB, 0}}}}, {}};
  EXPECT_TRUE(to_lower(layer, {0, 1ULL << 40U}).error().is(Errc::kIncomplete));
  EXPECT_TRUE(to_upper(layer, kA, {0, 1ULL << 40U}).error().is(Errc::kIncomplete));
}

// A layout at random, and beside it the place of each sector, found by dealing sectors out one after the other.
class RandomLayout {
 public:
  explicit RandomLayout(std::mt19937_64& random) : random_(random) {
    for (std::uint64_t i = 0, parts = between(1, 5); i < parts; ++i) {
      add_part();
    }
  }

  using Place = std::pair<dev_t, std::uint64_t>;  // device and sector
  const Layer& layer() const { return layer_; }
  const std::vector<Place>& places() const { return places_; }  // of the sectors of the upper device

 private:
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(least, most)(random_);
  }

  void add_part() {
    const std::uint64_t columns = between(1, 4);
    const std::uint64_t chunk = between(1, 9);
    const std::uint64_t rows = between(1, 6);
    const std::uint64_t first = places_.size();
    Segment segment{sectors(first, columns * chunk * rows), chunk * 512, {}};
    std::vector<Place> next;
    for (std::uint64_t i = 0; i < columns; ++i) {
      const Place start{makedev(8, static_cast<unsigned>(between(1, 3))), free_ += between(0, 20)};
      free_ += chunk * rows;
      segment.columns.push_back({start.first, start.second * 512});
      next.push_back(start);
    }
    for (std::uint64_t dealt = 0; dealt < chunk * rows * columns;) {
      for (Place& place : next) {
        for (std::uint64_t i = 0; i < chunk; ++i, ++dealt) {
          places_.push_back({place.first, place.second++});
        }
      }
    }
    layer_.segments.push_back(segment);
  }

  std::mt19937_64& random_;
  Layer layer_;
  std::vector<Place> places_;
  std::uint64_t free_ = 0;  // no two columns share a sector
};

std::mt19937_64 seeded() {
  const char* seed = std::getenv("PMEND_SEED");
  return std::mt19937_64(seed != nullptr ? std::strtoull(seed, nullptr, 10) : 1);
}

TEST(Layer, BothDirectionsAgreeWithDealingOut) {
  auto random = seeded();
  for (int round = 0; round < 300; ++round) {
    const RandomLayout layout(random);
    std::map<RandomLayout::Place, std::uint64_t> owners;
    for (std::uint64_t sector = 0; sector < layout.places().size(); ++sector) {
      owners[layout.places()[sector]] = sector;
    }
    for (std::uint64_t sector = 0; sector < layout.places().size(); ++sector) {
      const auto& [device, below] = layout.places()[sector];
      ASSERT_THAT(*to_lower(layout.layer(), sectors(sector, 1)),
                  ElementsAre(SameBytes{sectors(below, 1), sectors(sector, 1), device}));
    }
    for (unsigned disk = 1; disk <= 3; ++disk) {
      const dev_t device = makedev(8, disk);
      for (std::uint64_t below = 0; below < 400; ++below) {
        const auto up = to_upper(layout.layer(), device, sectors(below, 1));
        const auto owner = owners.find({device, below});
        ASSERT_EQ(up->size(), owner == owners.end() ? 0U : 1U);
        if (owner != owners.end()) {
          ASSERT_EQ(up->front(), (SameBytes{sectors(below, 1), sectors(owner->second, 1), device}));
        }
      }
    }
  }
}

// A range at once is what its bytes are one by one, wherever it begins and ends.
TEST(Layer, RangesAreWhatTheirBytesAre) {
  auto random = seeded();
  for (int round = 0; round < 300; ++round) {
    const RandomLayout layout(random);
    const std::uint64_t bytes = layout.places().size() * 512;
    const std::uint64_t begin = std::uniform_int_distribution<std::uint64_t>(0, bytes - 1)(random);
    const std::uint64_t length = std::uniform_int_distribution<std::uint64_t>(1, bytes - begin)(random);
    const auto down = to_lower(layout.layer(), {begin, length});
    std::uint64_t at = begin;
    for (const SameBytes& same : *down) {
      ASSERT_EQ(same.upper_range.offset, at);
      ASSERT_EQ(same.lower_range.length, same.upper_range.length);
      for (const std::uint64_t inside : {std::uint64_t{0}, same.upper_range.length - 1}) {
        const std::uint64_t byte = at + inside;
        const auto& [device, sector] = layout.places()[byte / 512];
        ASSERT_EQ(same.lower_device, device);
        ASSERT_EQ(same.lower_range.offset + inside, sector * 512 + byte % 512);
      }
      at += same.upper_range.length;
      const auto back = to_upper(layout.layer(), same.lower_device, same.lower_range);
      std::uint64_t covered = 0;
      for (const SameBytes& again : *back) {
        covered += again.upper_range.length;
        ASSERT_TRUE(same.upper_range.contains(again.upper_range));
      }
      ASSERT_EQ(covered, same.upper_range.length);
    }
    ASSERT_EQ(at, begin + length);
  }
}

}  // namespace
}  // namespace pmend::block
