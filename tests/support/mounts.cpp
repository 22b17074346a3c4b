// SPDX-License-Identifier: Apache-2.0
#include "support/mounts.hpp"

#include "pmend/base/unique_fd.hpp"
#include "support/must.hpp"

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <chrono>
#include <sstream>
#include <thread>

namespace pmend::world {
namespace {

constexpr int kUnmountTries = 500;

}  // namespace

std::vector<MountEntry> mounts_below(const std::string& directory) {
  std::vector<MountEntry> found;
  std::istringstream lines(must(read_text_file("/proc/self/mountinfo", 64U << 20U)));
  for (std::string line; std::getline(lines, line);) {
    // id parent major:minor root target options [optional...] - type source options (proc_pid_mountinfo(5))
    std::istringstream words(line);
    std::string id, parent, number, root, target, word, type, source;
    words >> id >> parent >> number >> root >> target;
    while (words >> word && word != "-") {
    }
    words >> type >> source;
    if (target == directory || target.starts_with(directory + "/")) {
      found.push_back({source, target, type, number});
    }
  }
  return found;
}

void unmount(const std::string& target) {
  for (int i = 0; umount2(target.c_str(), 0) < 0; ++i) {
    if (errno != EBUSY || i == kUnmountTries) {
      throw Failure(fail_errno("umount " + target).value().message());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void detach_mount(const std::string& target) noexcept {
  umount2(target.c_str(), MNT_DETACH);
}

void enter_private_mount_namespace() {
  must_call(unshare(CLONE_NEWNS), "unshare mounts");
  must_call(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make mounts private");
}

}  // namespace pmend::world
