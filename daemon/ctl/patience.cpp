// SPDX-License-Identifier: Apache-2.0
#include "ctl/patience.hpp"

#include <ostream>
#include <utility>

namespace pmend::ctl {
namespace {

constexpr const char* kWipe = "\r\x1b[K";

}  // namespace

Patience::Patience(std::ostream& err, bool on_terminal, std::function<std::string()> what,
                   std::chrono::milliseconds period)
    : err_(err), what_(std::move(what)), period_(period) {
  if (on_terminal) {
    thread_ = std::thread([this] { run(); });
  }
}

Patience::~Patience() {
  if (!thread_.joinable()) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_one();
  thread_.join();
  if (said_) {
    err_ << kWipe << std::flush;
  }
}

void Patience::run() {
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, period_, [this] { return over_; })) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start);
    err_ << kWipe << what_() << " (" << seconds.count() << " s)" << std::flush;
    said_ = true;
  }
}

}  // namespace pmend::ctl
