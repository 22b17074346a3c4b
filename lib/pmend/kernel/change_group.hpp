// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"

#include <cstdint>
#include <string>

// That something changed on a file system, not what (fanotify(7), FAN_MARK_FILESYSTEM): names that come, go and move,
// and files that were written when they are closed. Never FAN_MODIFY, which makes each write of everybody slower. Blind
// to stores through mappings and to what the file system moves by itself: a hint, never a proof that nothing changed.
namespace pmend::kernel {

class ChangeGroup {
 public:
  // Of the file system that is mounted there. The mark goes with it when it is unmounted, silently. Needs
  // CAP_SYS_ADMIN. Errors: the errno; EINVAL before Linux 5.9, ENODEV or EOPNOTSUPP where the file system has no file
  // handles.
  static Result<ChangeGroup> watch(const std::string& mount_point);

  // Becomes readable when there are changes. Whoever polls it is woken by each of them, so it is polled now and then.
  int fd() const { return fd_.get(); }

  // Takes all that is queued; false if there was nothing. What did not fit into the queue (16,384 changes) has been
  // told as one of its own (FAN_Q_OVERFLOW). Errors: the errno.
  Result<bool> drain() const;

 private:
  explicit ChangeGroup(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace pmend::kernel
