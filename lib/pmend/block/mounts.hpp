// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What is mounted where, from /proc/self/mountinfo (proc(5)) by libmount. Only what this process' mount namespace
// shows: a file system that a container mounted is not in there.
namespace pmend::block {

// Raw bytes throughout: the kernel's \040 and the like are undone.
struct Mount {
  int id = 0;
  int parent = 0;
  dev_t device = 0;    // st_dev of its files; not the device's number on btrfs
  std::string root;    // which part of the file system is seen here: "/" is all of it
  std::string target;  // mount point
  std::string type;
  std::string source;       // device node as it was given
  std::string vfs_options;  // of this mount
  std::string fs_options;   // of the file system

  friend bool operator==(const Mount&, const Mount&) = default;
};

struct MountTable {
  std::vector<Mount> mounts;   // in the kernel's order
  std::size_t unreadable = 0;  // lines that were skipped: absence of a mount then means nothing
};

// Errors: the errno; kInvalid if there is no mountinfo in it.
Result<MountTable> read_mounts(const std::string& mountinfo);

// True unless something is mounted over it or over a directory above it.
bool is_reachable(const MountTable& table, const Mount& mount);

// "always" of "rw,dax=always"; "" for an option without a value; nothing without the option.
std::optional<std::string> option_value(const std::string& options, const std::string& name);

bool is_read_only(const Mount& mount);
// Contents go through the journal first (ext4 data=journal): a block written beside it can be overwritten from there.
bool has_data_journal(const Mount& mount);

}  // namespace pmend::block
