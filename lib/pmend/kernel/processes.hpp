// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

// What /proc says about processes (proc(5)).
namespace pmend::kernel {

struct Runner {
  pid_t pid = 0;
  std::string comm;  // any bytes
};

// The processes that are running this file, in order of pid. Those that come and go meanwhile may be missed.
std::vector<Runner> runners_of(dev_t device, ino_t inode, const std::string& proc = "/proc");

// True if any thread of the process is in uninterruptible sleep: not even SIGKILL ends it before the kernel is done.
bool is_uninterruptible(pid_t pid, const std::string& proc = "/proc");

}  // namespace pmend::kernel
