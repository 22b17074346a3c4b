// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/change_group.hpp"

#include "pmend/base/text.hpp"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>
#include <vector>

namespace pmend::kernel {
namespace {

constexpr std::uint64_t kChanges =
    FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_CLOSE_WRITE | FAN_ONDIR;
constexpr std::size_t kQueueBytes = 256U << 10U;

}  // namespace

Result<ChangeGroup> ChangeGroup::watch(const std::string& mount_point) {
  UniqueFd fd(fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_DIR_FID, O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return fail_errno("fanotify_init");
  }
  if (fanotify_mark(fd.get(), FAN_MARK_ADD | FAN_MARK_FILESYSTEM, kChanges, AT_FDCWD, mount_point.c_str()) < 0) {
    return fail_errno("fanotify_mark " + escape_bytes(mount_point));
  }
  return ChangeGroup(std::move(fd));
}

Result<bool> ChangeGroup::drain() const {
  std::vector<std::byte> buffer(kQueueBytes);
  bool any = false;
  while (true) {
    const ssize_t got = read(fd_.get(), buffer.data(), buffer.size());
    if (got > 0) {
      any = true;
    } else if (got < 0 && errno != EAGAIN && errno != EINTR) {
      return fail_errno("read of fanotify");
    } else if (got == 0 || errno == EAGAIN) {
      return any;
    }
  }
}

}  // namespace pmend::kernel
