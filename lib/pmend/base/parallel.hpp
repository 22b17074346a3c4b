// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <future>
#include <thread>
#include <type_traits>
#include <vector>

namespace pmend {

inline constexpr std::size_t kMostThreads = 4;

// Results of work(first, last) for parts that cover 0 to `count`, in their order: a part for each processor, on a
// thread of its own, unless parts would be smaller than `fewest`. Where no thread is to be had, the caller's does all.
// `work` must be safe to call at the same time; what it throws is thrown here once all have ended.
template <class Work>
auto in_parts(std::size_t count, std::size_t fewest, const Work& work) {
  using Part = std::invoke_result_t<const Work&, std::size_t, std::size_t>;
  const std::size_t processors = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMostThreads);
  const std::size_t number = std::clamp<std::size_t>(count / fewest, 1, processors);
  std::vector<std::future<Part>> others;
  for (std::size_t i = 1; i < number; ++i) {
    others.push_back(
        std::async([&work, i, number, count] { return work(count * i / number, count * (i + 1) / number); }));
  }
  std::vector<Part> parts;
  parts.push_back(work(0, count / number));
  for (std::future<Part>& other : others) {
    parts.push_back(other.get());
  }
  return parts;
}

}  // namespace pmend
