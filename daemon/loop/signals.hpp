// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/fd_watch.hpp"
#include "pmend/base/unique_fd.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <initializer_list>
#include <memory>

namespace pmend::loop {

// Turns signals into callbacks of the loop. They are blocked for the whole process from construction on, so construct
// it before any thread. Throws boost::system::system_error if the kernel refuses.
class Signals {
 public:
  Signals(boost::asio::io_context& io, std::initializer_list<int> numbers, std::function<void(int)> on_signal);

 private:
  void read_all();

  std::function<void(int)> on_signal_;
  UniqueFd fd_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace pmend::loop
