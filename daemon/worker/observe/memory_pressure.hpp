// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loop/fd_watch.hpp"
#include "pmend/base/unique_fd.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace pmend::worker {

// Calls back when processes of this machine wait for memory (Linux Documentation/accounting/psi.rst): a tenth of two
// seconds. Wakes nobody otherwise. A kernel without pressure stall information, or one before 6.5 that asks for
// CAP_SYS_RESOURCE, never calls.
class MemoryPressure {
 public:
  MemoryPressure(boost::asio::io_context& io, const std::string& proc, std::function<void()> on_pressure);

 private:
  UniqueFd fd_;
  std::unique_ptr<loop::FdWatch> watch_;
};

}  // namespace pmend::worker
