// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <optional>

// Write leases (fcntl(2), F_SETLEASE): while one is held nobody else has the file open or mapped, in user space or in
// the kernel (loop devices, swap, NFS), and whoever opens or truncates it waits for us, at most
// /proc/sys/fs/lease-break-time seconds (45).
namespace pmend::kernel {

class WriteLease {
 public:
  // Takes it on the open file that `fd` stands for, which this process must have open only once (duplicates do not
  // count) and which stays open for as long as the lease lives. Nothing where somebody else has the file open or
  // mapped. Errors: the errno, EINVAL where the file system has no leases.
  static Result<std::optional<WriteLease>> take(int fd);

  WriteLease(WriteLease&& other) noexcept;
  WriteLease& operator=(WriteLease&&) = delete;
  ~WriteLease();

  // False as soon as somebody waits for the file, or the kernel has taken the lease away.
  bool intact() const;

 private:
  explicit WriteLease(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace pmend::kernel
