// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/model/owner.hpp"

#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// Who has which files open, from /proc. Processes come and go meanwhile: what cannot be read any more is left out.
// Open files that only the kernel holds (loop devices, swap, nfsd) are not in there.
namespace pmend::rmap {

struct ProcFile {
  std::uint32_t pid = 0;
  std::string link;  // "/proc/12/fd/3" or "/proc/12/map_files/…": opens the file also when it was deleted
  bool mapped = false;
  struct stat status = {};
};

// Every open descriptor and every mapped file of every process but this one.
void for_each_open_file(const std::string& proc, const std::function<void(const ProcFile&)>& visit);

// A file as stat(2) names it.
struct FileKey {
  dev_t device = 0;
  std::uint64_t inode = 0;

  friend auto operator<=>(const FileKey&, const FileKey&) = default;
};

// The processes that have these files open or mapped, each process once per file.
std::map<FileKey, std::vector<OpenBy>> find_openers(const std::string& proc, const std::set<FileKey>& files);

// Fails, and says why, unless find_openers() misses no process: each one's maps can be read (not with hidepid or
// ProtectProc= and without CAP_SYS_PTRACE), and this process is in the first PID namespace, which holds all others.
Status sees_all_processes(const std::string& proc);

// The systemd unit in the text of /proc/PID/cgroup: of version 2 or of version 1's "name=systemd". Empty if none.
std::string unit_of(std::string_view cgroup);

}  // namespace pmend::rmap
