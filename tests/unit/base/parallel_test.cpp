// SPDX-License-Identifier: Apache-2.0
#include "pmend/base/parallel.hpp"

#include <gmock/gmock.h>

#include <numeric>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace pmend {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Pair;

std::vector<std::size_t> numbers(std::size_t first, std::size_t last) {
  std::vector<std::size_t> made(last - first);
  std::iota(made.begin(), made.end(), first);
  return made;
}

TEST(InParts, PartsCoverAllInOrder) {
  for (const std::size_t count : {0U, 1U, 9U, 10U, 39U, 1001U}) {
    std::vector<std::size_t> all;
    for (const auto& part : in_parts(count, 10, numbers)) {
      all.insert(all.end(), part.begin(), part.end());
    }
    EXPECT_EQ(all, numbers(0, count));
  }
}

TEST(InParts, NoPartIsSmallerThanWhatAThreadIsWorth) {
  const auto sizes = in_parts(1009, 100, [](std::size_t first, std::size_t last) { return last - first; });
  EXPECT_THAT(sizes, Each(testing::Ge(100U)));
  EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}), 1009U);
}

TEST(InParts, LittleIsDoneByTheCallerAlone) {
  const auto who = [](std::size_t first, std::size_t last) {
    return std::pair(std::this_thread::get_id(), last - first);
  };
  EXPECT_THAT(in_parts(19, 10, who), ElementsAre(Pair(std::this_thread::get_id(), 19U)));
}

TEST(InParts, WhatAThreadThrowsReachesTheCaller) {
  const auto fails_at_the_end = [](std::size_t, std::size_t last) -> int {
    return last == 1000 ? throw std::runtime_error("in a part") : 0;
  };
  EXPECT_THROW(in_parts(1000, 1, fails_at_the_end), std::runtime_error);
}

}  // namespace
}  // namespace pmend
