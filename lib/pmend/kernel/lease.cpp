// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/lease.hpp"

#include <fcntl.h>

#include <csignal>
#include <utility>

namespace pmend::kernel {

Result<std::optional<WriteLease>> WriteLease::take(int fd) {
  // The break is looked up by intact(), not signalled: SIGIO would end the process, SIGURG is ignored by default.
  if (fcntl(fd, F_SETSIG, SIGURG) < 0) {
    return fail_errno("F_SETSIG");
  }
  if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0) {
    if (errno == EAGAIN) {
      return std::optional<WriteLease>();
    }
    return fail_errno("F_SETLEASE");
  }
  return std::optional<WriteLease>(WriteLease(fd));
}

WriteLease::WriteLease(WriteLease&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

WriteLease::~WriteLease() {
  if (fd_ >= 0) {
    // Fails only if the kernel took it away already.
    (void)fcntl(fd_, F_SETLEASE, F_UNLCK);
  }
}

bool WriteLease::intact() const {
  // While a break is under way the kernel answers with what the lease must become.
  return fcntl(fd_, F_GETLEASE) == F_WRLCK;
}

}  // namespace pmend::kernel
