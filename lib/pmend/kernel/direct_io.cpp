// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/direct_io.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace pmend::kernel {

Result<std::optional<std::uint32_t>> direct_write_alignment(int fd) {
  struct statx status = {};
  if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) < 0) {
    return fail_errno("statx");
  }
  if ((status.stx_mask & STATX_DIOALIGN) == 0) {
    return std::optional<std::uint32_t>();
  }
  return std::optional(status.stx_dio_offset_align);
}

}  // namespace pmend::kernel
