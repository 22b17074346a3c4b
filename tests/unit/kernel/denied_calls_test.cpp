// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/denied_calls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

namespace pmend::kernel {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr unsigned kCachestat = 451;  // not in the headers of Debian 12

// What systemd's filters do to this thread. False if filters are not to be had.
bool deny_here() {
  std::array<sock_filter, 6> program = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kCachestat, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(DeniedCalls, AreNamedWithTheirErrorAndTheirCost) {
  bool filtered = false;
  std::vector<std::string> denied;
  std::thread([&] {  // a filter stays with its thread
    filtered = deny_here();
    denied = denied_calls();
  })
      .join();
  if (!filtered) {
    GTEST_SKIP() << "this process may not filter its own system calls";
  }
  EXPECT_THAT(denied, Contains(AllOf(HasSubstr("openat2 (Function not implemented)"), HasSubstr("names"))));
  EXPECT_THAT(denied, Contains(AllOf(HasSubstr("cachestat (Operation not permitted)"), HasSubstr("page cache"))));
}

TEST(DeniedCalls, WhatIsAllowedIsNotNamed) {
  EXPECT_THAT(denied_calls(), Not(Contains(HasSubstr("openat2"))));
  EXPECT_THAT(denied_calls(), Not(Contains(HasSubstr("cachestat"))));
}

}  // namespace
}  // namespace pmend::kernel
