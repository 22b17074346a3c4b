// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace pmend::kernel {

// The system calls that looking for owners and planning need and that this process may not make, each with the error
// and what it costs, for people. A service manager's filter or a container's gives no other sign: the call fails like
// one that the kernel does not have (openat2(2) under RestrictSUIDSGID=, systemd.exec(5)) or that takes a privilege. A
// kernel without cachestat (before Linux 6.5) denies nothing.
std::vector<std::string> denied_calls();

}  // namespace pmend::kernel
