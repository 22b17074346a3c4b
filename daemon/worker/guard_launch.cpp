// SPDX-License-Identifier: Apache-2.0
#include "worker/guard_launch.hpp"

#include "loop/message_link.hpp"
#include "pmend/base/text.hpp"
#include "pmend/block/mounts.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

namespace pmend::worker {
namespace {

constexpr std::string_view kSocketPrefix = "unix:";
// The descriptor of the guard's end, as for the other roles.
constexpr int kGuardFd = 3;

// This process' group in the unified hierarchy (cgroups(7)); nothing where there is none.
std::optional<std::string> own_group() {
  const auto text = read_text_file("/proc/self/cgroup");
  constexpr std::string_view kUnified = "0::";
  const std::size_t begin = text ? text->find(kUnified) : std::string::npos;
  if (begin == std::string::npos) {
    return std::nullopt;
  }
  const std::size_t from = begin + kUnified.size();
  return text->substr(from, text->find('\n', from) - from);
}

Status leave_group() {
  const auto group = own_group();
  if (!group || *group == "/") {
    return {};
  }
  const auto table = block::read_mounts("/proc/self/mountinfo");
  if (!table) {
    return tl::make_unexpected(table.error());
  }
  for (const block::Mount& mount : table->mounts) {
    if (mount.type != "cgroup2") {
      continue;
    }
    const std::string directory = mount.target + "/pmend-guard";
    if (mkdir(directory.c_str(), 0755) < 0 && errno != EEXIST) {
      return fail_errno("make " + directory);
    }
    const auto file = open_file(directory + "/cgroup.procs", O_WRONLY);
    if (!file) {
      return tl::make_unexpected(file.error());
    }
    if (write(file->get(), "0", 1) < 0) {
      return fail_errno("join " + directory);
    }
    return {};
  }
  return fail(Errc::kNotFound, "mounted control groups");
}

// In the child: becomes a guard that nobody waits for, or returns an errno.
int become_guard(const Options& options, int socket) {
  if (const auto left = leave_group(); !left) {
    return left.error().code.category() == std::system_category() ? left.error().code.value() : ENOENT;
  }
  setsid();  // cannot fail in a new process
  const pid_t guard = fork();
  if (guard != 0) {
    return guard < 0 ? errno : 0;
  }
  if (dup2(socket, kGuardFd) < 0 || (socket == kGuardFd && fcntl(socket, F_SETFD, 0) < 0)) {
    return errno;
  }
  (void)close_range(kGuardFd + 1, ~0U, CLOSE_RANGE_CLOEXEC);  // cannot fail for such a range
  const std::string fd = std::to_string(kGuardFd);
  const std::array<const char*, 7> arguments{
      "pmend-worker", "guard", "--fd", fd.c_str(), "--runtime-dir", options.runtime_dir.c_str(), nullptr};
  execv("/proc/self/exe", const_cast<char* const*>(arguments.data()));
  return errno;
}

Result<UniqueFd> start_guard(const Options& options) {
  auto ends = loop::message_socket_pair();
  if (!ends) {
    return tl::make_unexpected(ends.error());
  }
  const pid_t pid = fork();
  if (pid < 0) {
    return fail_errno("fork");
  }
  if (pid == 0) {
    _exit(become_guard(options, ends->second.get()));
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(Errc::kRefused, "no guard for a freeze can be started outside of the worker's control group: " +
                                    std::string(std::generic_category().message(WEXITSTATUS(status))));
  }
  return std::move(ends->first);
}

}  // namespace

Result<UniqueFd> connect_guard(const Options& options) {
  if (options.guard.starts_with(kSocketPrefix)) {
    return loop::connect_message_socket(options.guard.substr(kSocketPrefix.size()));
  }
  return start_guard(options);
}

}  // namespace pmend::worker
