// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/denied_calls.hpp"

#include "pmend/kernel/page_cache.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace pmend::kernel {
namespace {

constexpr int kNoDescriptor = -1;

// Each call below fails: with another error than these once it is let through.
bool is_denied(int error) {
  return error == EPERM || error == ENOSYS;
}

int error_of_openat2() {
  struct open_how how = {};
  return syscall(SYS_openat2, kNoDescriptor, "relative", &how, sizeof how) < 0 ? errno : 0;
}

int error_of_open_by_handle_at() {
  struct file_handle without_bytes = {};
  return open_by_handle_at(AT_FDCWD, &without_bytes, O_PATH) < 0 ? errno : 0;
}

int error_of_cachestat() {
  // Its own answer to a kernel that has no such call is none.
  const auto counts = cachestat(kNoDescriptor, {0, 1});
  return counts ? 0 : counts.error().code.value();
}

}  // namespace

std::vector<std::string> denied_calls() {
  std::vector<std::string> denied;
  const auto look = [&denied](const char* call, int error, const char* cost) {
    if (is_denied(error)) {
      denied.push_back(std::string("may not call ") + call + " (" + std::strerror(error) + "): " + cost);
    }
  };
  look("openat2", error_of_openat2(), "names of files are found only where the kernel has them in memory");
  look("open_by_handle_at", error_of_open_by_handle_at(), "no owner can be asked whether it is one");
  look("cachestat", error_of_cachestat(), "what the page cache has is not known, and is not used");
  return denied;
}

}  // namespace pmend::kernel
