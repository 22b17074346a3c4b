// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <iosfwd>
#include <mutex>
#include <string>
#include <thread>

namespace pmend::ctl {

// Tells people at a terminal that an answer takes long: "looking for 3 s, 2000 lines answered" in one line that is
// written again each second, from the first second on, and wiped at the end. Nothing else may be written to `err` while
// one of these lives.
class Patience {
 public:
  // `on_terminal` false: says nothing. `what` is called from another thread.
  Patience(std::ostream& err, bool on_terminal, std::function<std::string()> what,
           std::chrono::milliseconds period = std::chrono::seconds(1));
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;
  ~Patience();

 private:
  void run();

  std::ostream& err_;
  std::function<std::string()> what_;
  std::chrono::milliseconds period_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  bool said_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace pmend::ctl
