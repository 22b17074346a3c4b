// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/child.hpp"

#include "pmend/base/unique_fd.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>

namespace pmend::repair {
namespace {

// A killed child that is not in the kernel is gone at once; one that is gets this long before it counts as stuck.
constexpr std::chrono::milliseconds kGrace{1000};

[[noreturn]] void be_child(pid_t parent, const std::function<int()>& work) {
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);  // cannot fail for a valid signal
  if (getppid() != parent) {
    _exit(127);  // the parent died before the line above
  }
  const rlimit no_core{0, 0};
  (void)setrlimit(RLIMIT_CORE, &no_core);  // lowering a limit is always allowed
  for (const int number : {SIGBUS, SIGSEGV, SIGTERM, SIGINT}) {
    std::signal(number, SIG_DFL);
  }
  _exit(work());
}

// True if the process has ended within `limit`.
bool wait_for_end(int pidfd, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd wait{pidfd, POLLIN, 0};
    const int ready = poll(&wait, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
    if (ready >= 0 || errno != EINTR) {
      return ready > 0;
    }
  }
}

ChildResult reap(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) {
    return {ChildEnd::kExited, WEXITSTATUS(status), pid};
  }
  return {ChildEnd::kSignal, WTERMSIG(status), pid};
}

}  // namespace

Result<ChildResult> run_in_child(std::chrono::milliseconds limit, const std::function<int()>& work) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) {
    return fail_errno("fork");
  }
  if (pid == 0) {
    be_child(parent, work);
  }
  // glibc 2.36 declares its wrapper without C linkage.
  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0U)));
  if (!pidfd) {
    const int number = errno;
    (void)kill(pid, SIGKILL);  // our own child, not reaped: it is there
    return fail_errno("pidfd_open", number);
  }
  if (wait_for_end(pidfd.get(), limit)) {
    return reap(pid);
  }
  (void)kill(pid, SIGKILL);  // our own child, not reaped: it is there
  if (!wait_for_end(pidfd.get(), kGrace)) {
    return ChildResult{ChildEnd::kStuck, 0, pid};
  }
  reap(pid);
  return ChildResult{ChildEnd::kTimedOut, 0, pid};
}

tl::unexpected<Error> failed_child(const ChildResult& result, const std::string& what) {
  switch (result.end) {
    case ChildEnd::kExited:
      return fail(Errc::kGone, what + ": ended with status " + std::to_string(result.value));
    case ChildEnd::kSignal:
      return fail(Errc::kGone, what + ": died of signal " + std::to_string(result.value));
    case ChildEnd::kTimedOut:
      return fail(Errc::kTimedOut, what + ": no answer in time");
    case ChildEnd::kStuck:
      return fail(Errc::kTimedOut, what + ": process " + std::to_string(result.pid) + " is stuck in the kernel");
  }
  return fail(Errc::kInternal, what);
}

Result<SharedBuffer> SharedBuffer::create(std::size_t size) {
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    return fail_errno("mmap of " + std::to_string(size) + " bytes");
  }
  return SharedBuffer(static_cast<std::byte*>(data), size);
}

SharedBuffer::SharedBuffer(SharedBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}

SharedBuffer::~SharedBuffer() {
  if (data_ != nullptr) {
    (void)munmap(data_, size_);  // cannot fail for a range that mmap() gave
  }
}

}  // namespace pmend::repair
