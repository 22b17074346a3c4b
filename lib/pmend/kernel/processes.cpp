// SPDX-License-Identifier: Apache-2.0
#include "pmend/kernel/processes.hpp"

#include "pmend/base/text.hpp"
#include "pmend/base/unique_fd.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

namespace pmend::kernel {
namespace {

namespace fs = std::filesystem;

// Names of the entries; none for a directory that is gone or may not be read.
std::vector<std::string> entries_of(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    names.push_back(entry->path().filename());
  }
  return names;
}

std::string text_of(const fs::path& file) {
  return read_text_file(file).value_or(std::string());
}

bool leads_to(const fs::path& path, dev_t device, ino_t inode) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 && status.st_ino == inode && status.st_dev == device;
}

std::string comm_of(const fs::path& process) {
  std::string comm = text_of(process / "comm");
  if (!comm.empty() && comm.back() == '\n') {
    comm.pop_back();
  }
  return comm;
}

}  // namespace

std::vector<Runner> runners_of(dev_t device, ino_t inode, const std::string& proc) {
  std::vector<Runner> runners;
  for (const std::string& name : entries_of(proc)) {
    const auto pid = parse_u64(name);
    const fs::path process = fs::path(proc) / name;
    if (pid && leads_to(process / "exe", device, inode)) {
      runners.push_back({static_cast<pid_t>(*pid), comm_of(process)});
    }
  }
  std::sort(runners.begin(), runners.end(), [](const Runner& a, const Runner& b) { return a.pid < b.pid; });
  return runners;
}

bool is_uninterruptible(pid_t pid, const std::string& proc) {
  const fs::path tasks = fs::path(proc) / std::to_string(pid) / "task";
  const auto threads = entries_of(tasks);
  return std::any_of(threads.begin(), threads.end(), [&](const std::string& thread) {
    // "PID (COMM) STATE …"; COMM may hold anything, also a closing bracket.
    const std::string text = text_of(tasks / thread / "stat");
    const std::size_t bracket = text.rfind(')');
    return bracket != std::string::npos && text.size() > bracket + 2 && text[bracket + 2] == 'D';
  });
}

}  // namespace pmend::kernel
