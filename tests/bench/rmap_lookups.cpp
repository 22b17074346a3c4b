// SPDX-License-Identifier: Apache-2.0
#include "bench/rmap_lookups.hpp"

#include "bench/figures.hpp"
#include "pmend/rmap/extent_index.hpp"

#include <boost/icl/interval_map.hpp>

#include <chrono>
#include <cstdio>
#include <map>
#include <random>
#include <vector>

namespace pmend::bench {
namespace {

using Nanoseconds = std::chrono::duration<double, std::nano>;

constexpr int kLookupRounds = 5;
constexpr std::uint64_t kQueries = 200'000;

std::vector<rmap::IndexedExtent> make_extents(std::uint64_t count, std::mt19937_64& random) {
  std::vector<rmap::IndexedExtent> extents;
  extents.reserve(count);
  std::uint64_t block = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t length = 1 + random() % 16;
    extents.push_back({block, length, random() % count, random() % 1000, rmap::ExtentRole::kData});
    block += length + random() % 4;
  }
  return extents;
}

// Nanoseconds a question, in a round.
template <class Ask>
double time_of(const std::vector<std::uint64_t>& questions, const Ask& ask) {
  std::uint64_t sum = 0;
  const auto start = std::chrono::steady_clock::now();
  for (const std::uint64_t block : questions) {
    sum += ask(block);
  }
  const double took = Nanoseconds(std::chrono::steady_clock::now() - start).count();
  // Nobody may leave the work out.
  if (sum == 1) {
    std::puts("");
  }
  return took / static_cast<double>(questions.size());
}

rmap::ExtentIndex build_index(const std::vector<rmap::IndexedExtent>& extents) {
  rmap::ExtentIndexBuilder builder;
  for (const rmap::IndexedExtent& extent : extents) {
    builder.add(extent);
  }
  return std::move(builder).build();
}

}  // namespace

void measure_lookups(std::uint64_t count) {
  std::mt19937_64 random(5);
  const auto extents = make_extents(count, random);
  const rmap::ExtentIndex index = build_index(extents);
  std::map<std::uint64_t, rmap::IndexedExtent> map;
  boost::icl::interval_map<std::uint64_t, std::uint64_t> intervals;
  for (const rmap::IndexedExtent& extent : extents) {
    map.emplace_hint(map.end(), extent.device_block, extent);
    intervals.add(intervals.end(), {boost::icl::interval<std::uint64_t>::right_open(
                                        extent.device_block, extent.device_block + extent.length),
                                    extent.inode + 1});
  }
  std::vector<std::uint64_t> questions(kQueries);
  std::vector<rmap::IndexedExtent> found;
  std::vector<double> by_index;
  std::vector<double> by_map;
  std::vector<double> by_icl;
  for (int round = 0; round < kLookupRounds; ++round) {
    for (std::uint64_t& block : questions) {
      block = extents[random() % extents.size()].device_block;
    }
    by_index.push_back(time_of(questions, [&](std::uint64_t block) {
      found.clear();
      index.find(block, 1, found);
      return found.empty() ? 0 : found[0].inode;
    }));
    by_map.push_back(
        time_of(questions, [&](std::uint64_t block) { return std::prev(map.upper_bound(block))->second.inode; }));
    by_icl.push_back(time_of(questions, [&](std::uint64_t block) { return intervals.find(block)->second; }));
  }
  const double ours = world::percentile(by_index, 0.5);
  std::printf(
      "lookup, %zu extents: index %.0f ns, %.2f bytes an extent; std::map %.0f ns (%.1fx); boost::icl %.0f ns "
      "(%.1fx)\n",
      static_cast<std::size_t>(count), ours, static_cast<double>(index.bytes()) / static_cast<double>(index.pieces()),
      world::percentile(by_map, 0.5), world::percentile(by_map, 0.5) / ours, world::percentile(by_icl, 0.5),
      world::percentile(by_icl, 0.5) / ours);
}

}  // namespace pmend::bench
