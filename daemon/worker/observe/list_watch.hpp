// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/deadline.hpp"
#include "loop/fd_watch.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "worker/lists.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace pmend::worker {

// Watches one list of bad sectors: by POLLPRI where the file can be polled (sysfs, pmend-medium), else by reading it
// every interval; pmend's own by inotify(7) on their directory, for workers replace them. Wake-ups may be spurious or
// missing; each only means "read it again", the sooner the shorter the list was. A slow reading besides catches entries
// of the kernel's that were written by hand, which wake nobody.
class ListWatch {
 public:
  // `on_read` gets each reading that differs from the one before, errors too.
  ListWatch(boost::asio::io_context& io, ListPlace place, std::uint64_t device_bytes,
            std::function<void(const Result<repair::BadList>&)> on_read);

  const std::string& path() const { return place_.path; }
  protocol::SourceCounters counters(const std::string& source, const std::string& place) const;

 private:
  void open();
  void open_own();
  enum class Why { kWoken, kTime };
  void woken();
  void read_now(Why why);
  void arm_again();
  void read_later();

  boost::asio::io_context& io_;
  ListPlace place_;
  std::uint64_t device_bytes_;
  std::function<void(const Result<repair::BadList>&)> on_read_;
  UniqueFd fd_;
  std::unique_ptr<loop::FdWatch> watch_;  // none: the file cannot be polled or opened
  loop::Deadline next_;
  protocol::SourceCounters counters_;
  std::chrono::steady_clock::time_point rest_until_;  // wake-ups before it are answered then, by one reading
  std::string last_;                                  // what was told: the ranges, or the error
};

}  // namespace pmend::worker
