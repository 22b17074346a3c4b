// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/open_beneath.hpp"

#include "pmend/base/text.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pmend::kernel {

Result<UniqueFd> open_beneath(int root_fd, const std::string& path, int flags) {
  struct open_how how = {};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  // glibc has no wrapper.
  UniqueFd fd(static_cast<int>(syscall(SYS_openat2, root_fd, path.c_str(), &how, sizeof how)));
  if (!fd) {
    return fail_errno("open " + escape_bytes(path));
  }
  return fd;
}

}  // namespace pmend::kernel
