// SPDX-License-Identifier: Apache-2.0
#include "loop/signals.hpp"

#include <boost/system/system_error.hpp>

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace pmend::loop {

Signals::Signals(boost::asio::io_context& io, std::initializer_list<int> numbers, std::function<void(int)> on_signal)
    : on_signal_(std::move(on_signal)) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) {
    sigaddset(&set, number);
  }
  sigprocmask(SIG_BLOCK, &set, nullptr);
  fd_ = UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) {
    throw boost::system::system_error(errno, boost::system::system_category(), "signalfd");
  }
  watch_ = std::make_unique<FdWatch>(io, fd_.get(), FdWatch::For::kReadable, [this] { read_all(); });
}

void Signals::read_all() {
  signalfd_siginfo info{};
  while (read(fd_.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
    on_signal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace pmend::loop
