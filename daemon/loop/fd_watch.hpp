// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>

namespace pmend::loop {

// Calls back each time a descriptor has something to tell, until the watch is destroyed. It watches a duplicate, so the
// descriptor stays its owner's; the owner keeps it open while the watch lives.
class FdWatch {
 public:
  enum class For {
    kReadable,  // POLLIN, also end of file and errors
    kChange,    // POLLPRI, as sysfs attributes and /proc/self/mountinfo signal a change; re-arm by reading them
    kWritable,  // POLLOUT, once per arm_write()
  };

  // The callback may destroy the watch. Throws boost::system::system_error if the descriptor cannot be duplicated or
  // polled (an ordinary file).
  FdWatch(boost::asio::io_context& io, int fd, For what, std::function<void()> callback);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

 private:
  struct State;
  static void arm(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

}  // namespace pmend::loop
