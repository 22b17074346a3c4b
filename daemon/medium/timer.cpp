// SPDX-License-Identifier: Apache-2.0
#include "medium/timer.hpp"

#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <utility>

namespace pmend::medium {

void Timer::start() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Timer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
  std::multimap<SteadyTime, Task> rest;
  {
    const std::lock_guard lock(mutex_);
    rest.swap(tasks_);
  }
  for (const auto& [time, task] : rest) {
    task(Wake::kStopped);
  }
}

void Timer::at(SteadyTime time, Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      tasks_.emplace(time, std::move(task));
      changed_.notify_all();
      return;
    }
  }
  task(Wake::kStopped);
}

void Timer::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (tasks_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto first = tasks_.begin();
    if (first->first > std::chrono::steady_clock::now()) {
      // A copy of the time: the entry may be gone before the wait ends.
      const SteadyTime due = first->first;
      changed_.wait_until(lock, due);
      continue;
    }
    const Task task = std::move(first->second);
    tasks_.erase(first);
    lock.unlock();
    task(Wake::kDue);
    lock.lock();
  }
}

}  // namespace pmend::medium
