// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <future>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

namespace pmend {

inline constexpr std::size_t kMostThreads = 4;

// How many of them a job may have. The system is asked once: that costs more than a small job.
inline std::size_t threads_to_use() {
  static const std::size_t processors = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMostThreads);
  return processors;
}

// Parts 0 to `number` for some threads: for each a share of neighbours, as what is close together is often under one
// lock (an allocation group, say); then what others have not begun.
class SharedParts {
 public:
  SharedParts(std::size_t number, std::size_t threads) : number_(number), next_(threads) {
    for (std::size_t i = 0; i < threads; ++i) {
      next_[i] = begin_of(i);
    }
  }

  std::optional<std::size_t> take(std::size_t thread) {
    for (std::size_t i = 0; i < next_.size(); ++i) {
      const std::size_t share = (thread + i) % next_.size();
      const std::size_t part = next_[share]++;
      if (part < begin_of(share + 1)) {
        return part;
      }
    }
    return std::nullopt;
  }

 private:
  std::size_t begin_of(std::size_t share) const { return number_ * share / next_.size(); }

  std::size_t number_;
  std::vector<std::atomic<std::size_t>> next_;  // of each share
};

// Results of work(first, last) for parts that cover 0 to `count`, in their order, none smaller than `fewest` unless it
// is the only one. All processors work at them, the caller's and others with a thread each; a thread that begins late,
// or that is not to be had, leaves its share to the others. `work` must be safe to call at the same time; what it
// throws is thrown here once all threads have ended.
template <class Work>
auto in_parts(std::size_t count, std::size_t fewest, const Work& work) {
  const std::size_t number = std::max<std::size_t>(count / fewest, 1);
  std::vector<std::invoke_result_t<const Work&, std::size_t, std::size_t>> parts(number);
  const std::size_t threads = std::min(number, threads_to_use());
  SharedParts left(number, threads);
  const auto take_parts = [&](std::size_t thread) {
    while (const auto i = left.take(thread)) {
      parts[*i] = work(count * *i / number, count * (*i + 1) / number);
    }
  };
  std::vector<std::future<void>> others;
  for (std::size_t i = 1; i < threads; ++i) {
    others.push_back(std::async(take_parts, i));
  }
  take_parts(0);
  for (std::future<void>& other : others) {
    other.get();
  }
  return parts;
}

}  // namespace pmend
