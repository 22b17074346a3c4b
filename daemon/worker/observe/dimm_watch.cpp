// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/dimm_watch.hpp"

#include <boost/system/system_error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace pmend::worker {
namespace {

// An attribute counts as seen when this descriptor has read it from its beginning.
bool arm(int fd) {
  std::array<char, 256> seen{};
  return pread(fd, seen.data(), seen.size(), 0) >= 0;
}

}  // namespace

DimmWatch::DimmWatch(boost::asio::io_context& io, std::string name, const std::string& flags,
                     std::function<void()> on_event)
    : on_event_(std::move(on_event)) {
  counters_.source = kDimmHealth;
  counters_.place = std::move(name);
  auto fd = open_file(flags, O_RDONLY | O_NONBLOCK);
  if (!fd || !arm(fd->get())) {
    return;
  }
  fd_ = std::move(*fd);
  try {
    watch_ = std::make_unique<loop::FdWatch>(io, fd_.get(), loop::FdWatch::For::kChange, [this] { woken(); });
  } catch (const boost::system::system_error&) {
    // A recorded tree: nothing changes there.
  }
}

void DimmWatch::woken() {
  if (arm(fd_.get())) {
    ++counters_.events;
  } else {
    ++counters_.gaps;  // the DIMM has gone, and would wake us for ever
    watch_.reset();
  }
  on_event_();
}

}  // namespace pmend::worker
