// SPDX-License-Identifier: Apache-2.0
#include "support/residue.hpp"

#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"
#include "support/mounts.hpp"
#include "support/must.hpp"
#include "support/temp_dir.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>

namespace pmend::world {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFuseConnections = "/sys/fs/fuse/connections";
constexpr int kReapRounds = 50;

std::vector<std::string> loops_over(const std::string& directory) {
  std::vector<std::string> loops;
  for (const auto& entry : fs::directory_iterator("/sys/block")) {
    const auto backing = read_text_file(entry.path() / "loop/backing_file");
    if (backing && backing->starts_with(directory + "/")) {
      loops.push_back("/dev/" + entry.path().filename().string());
    }
  }
  return loops;
}

void detach_loop(const std::string& node) {
  const auto fd = open_file(node, O_RDONLY);
  if (fd) {
    ioctl(fd->get(), LOOP_CLR_FD, 0);
  }
}

void abort_connection(const MountEntry& mount) {
  const std::size_t colon = mount.device_number.find(':');
  const auto minor_number = parse_u64(mount.device_number.substr(colon + 1));
  if (mount.type.starts_with("fuse") && minor_number && fuse_connection_exists(static_cast<unsigned>(*minor_number))) {
    const auto fd = open_file(std::string(kFuseConnections) + "/" + std::to_string(*minor_number) + "/abort", O_WRONLY);
    if (fd) {
      [[maybe_unused]] const ssize_t already_gone_is_fine = write(fd->get(), "1", 1);
    }
  }
}

void reap_once(const std::string& directory) {
  for (const pid_t pid : processes_naming(directory + "/")) {
    kill(pid, SIGKILL);
    kill(pid, SIGCONT);
  }
  std::vector<MountEntry> mounts = mounts_below(directory);
  std::reverse(mounts.begin(), mounts.end());
  for (const MountEntry& mount : mounts) {
    abort_connection(mount);
    detach_mount(mount.target);
  }
  for (const std::string& loop : loops_over(directory)) {
    detach_loop(loop);
  }
}

}  // namespace

std::vector<pid_t> processes_naming(const std::string& text) {
  std::vector<pid_t> pids;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto pid = parse_u64(entry.path().filename().string());
    if (!pid || static_cast<pid_t>(*pid) == getpid()) {
      continue;
    }
    const auto command = read_text_file(entry.path() / "cmdline");
    if (command && command->find(text) != std::string::npos) {
      pids.push_back(static_cast<pid_t>(*pid));
    }
  }
  return pids;
}

std::string to_string(const Residue& residue) {
  std::string text;
  for (const std::string& mount : residue.mounts) {
    text += "mount " + mount + "; ";
  }
  for (const std::string& loop : residue.loop_devices) {
    text += "loop device " + loop + "; ";
  }
  for (const pid_t pid : residue.processes) {
    text += "process " + std::to_string(pid) + "; ";
  }
  return text;
}

Residue residue_of(const std::string& directory) {
  Residue residue;
  for (const MountEntry& mount : mounts_below(directory)) {
    residue.mounts.push_back(mount.target);
  }
  residue.loop_devices = loops_over(directory);
  residue.processes = processes_naming(directory + "/");
  return residue;
}

unsigned fuse_connection(const std::string& mount_point) {
  struct stat status {};
  must_call(stat(mount_point.c_str(), &status), "stat " + mount_point);
  return minor(status.st_dev);
}

bool fuse_connection_exists(unsigned number) {
  if (mounts_below(kFuseConnections).empty()) {
    must_call(mount("fusectl", kFuseConnections, "fusectl", 0, nullptr), "mount fusectl");
  }
  return fs::exists(std::string(kFuseConnections) + "/" + std::to_string(number));
}

Residue reap(const std::string& directory) {
  for (int round = 0; round < kReapRounds && !residue_of(directory).empty(); ++round) {
    reap_once(directory);
    // Detached mounts and killed processes go in the background; there is nothing to wait on for all of them.
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  Residue left = residue_of(directory);
  if (left.empty()) {
    std::error_code ignored_because_the_next_reaper_tries_again;
    fs::remove_all(directory, ignored_because_the_next_reaper_tries_again);
  }
  return left;
}

std::vector<std::string> reap_all() {
  std::vector<std::string> withstood;
  for (const auto& entry : fs::directory_iterator(fs::temp_directory_path())) {
    if (!entry.path().filename().string().starts_with(kWorldPrefix)) {
      continue;
    }
    const auto lock = open_file(entry.path() / "lock", O_RDWR);
    if (lock && flock(lock->get(), LOCK_EX | LOCK_NB) < 0) {
      continue;
    }
    const Residue left = reap(entry.path());
    if (!left.empty()) {
      withstood.push_back(entry.path().string() + ": " + to_string(left));
    }
  }
  return withstood;
}

}  // namespace pmend::world
