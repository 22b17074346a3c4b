// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/freeze.hpp"

#include <linux/fs.h>
#include <sys/ioctl.h>

namespace pmend::kernel {

Status freeze(int fd) {
  if (ioctl(fd, FIFREEZE, 0) < 0) {
    return fail_errno("FIFREEZE");
  }
  return {};
}

Status thaw(int fd) {
  if (ioctl(fd, FITHAW, 0) < 0) {
    return fail_errno("FITHAW");
  }
  return {};
}

}  // namespace pmend::kernel
