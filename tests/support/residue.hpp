// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

// What a test leaves behind on the machine, and how to take it away.
namespace pmend::world {

struct Residue {
  std::vector<std::string> mounts;        // mount points in this namespace, innermost last
  std::vector<std::string> loop_devices;  // "/dev/loop3"
  std::vector<pid_t> processes;           // with the directory in their command line

  bool empty() const { return mounts.empty() && loop_devices.empty() && processes.empty(); }
};

std::string to_string(const Residue& residue);

// Everything that still uses `directory` or anything below it. This process itself does not count.
Residue residue_of(const std::string& directory);

// All processes but this one whose command line holds `text`.
std::vector<pid_t> processes_naming(const std::string& text);

// The number of the FUSE connection that serves `mount_point`, as its directory in /sys/fs/fuse/connections is called.
unsigned fuse_connection(const std::string& mount_point);
// Mounts fusectl where it is not yet (so call it in a private mount namespace).
bool fuse_connection_exists(unsigned number);

// Kills, unmounts and detaches all of residue_of(directory), aborts what hangs, removes the directory. Returns what
// withstood.
Residue reap(const std::string& directory);

// Reaps every world whose test is gone (its lock is free). Returns a line for each that withstood.
std::vector<std::string> reap_all();

}  // namespace pmend::world
