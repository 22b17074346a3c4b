// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/clock.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace pmend::medium {

// One thread that calls tasks at their time, so that no FUSE thread ever sleeps. Tasks run one after another, at equal
// times in the order in which they were added, and without a lock held. Thread-safe.
class Timer {
 public:
  enum class Wake { kDue, kStopped };
  using Task = std::function<void(Wake)>;

  Timer() = default;
  ~Timer() { stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // The thread takes no signals. Not before fork(2): threads do not survive it.
  void start();
  // Ends the thread; then, and for every later task, calls the tasks with kStopped in the thread that asks.
  void stop();
  void at(SteadyTime time, Task task);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<SteadyTime, Task> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pmend::medium
