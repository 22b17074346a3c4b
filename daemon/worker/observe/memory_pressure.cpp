// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/memory_pressure.hpp"

#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace pmend::worker {
namespace {

// Microseconds: of waiting, in a window. Windows of whole seconds take no privilege.
constexpr char kTrigger[] = "some 200000 2000000";

}  // namespace

MemoryPressure::MemoryPressure(boost::asio::io_context& io, const std::string& proc,
                               std::function<void()> on_pressure) {
  auto fd = open_file(proc + "/pressure/memory", O_RDWR | O_NONBLOCK);
  if (!fd || write(fd->get(), kTrigger, sizeof kTrigger) < 0) {
    return;
  }
  fd_ = std::move(*fd);
  try {
    watch_ = std::make_unique<loop::FdWatch>(io, fd_.get(), loop::FdWatch::For::kChange, std::move(on_pressure));
  } catch (const boost::system::system_error&) {
    fd_.reset();  // an ordinary file, in a made-up /proc
  }
}

}  // namespace pmend::worker
