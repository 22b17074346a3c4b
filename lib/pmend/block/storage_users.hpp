// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/block/sysfs.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What the kernel itself uses as storage without any process having it open: swap, loop devices, SCSI targets (LIO).
// Neither lsof nor /proc/PID/fd shows these users. Disks of virtual machines are ordinary open files: see
// Owner::open_by.
namespace pmend::block {

enum class StorageUserKind { kSwap, kLoop, kTarget };

struct StorageUser {
  StorageUserKind kind = StorageUserKind::kSwap;
  std::string name;  // for people: "swap", "loop3", "target fileio_0/disk"
  std::string path;  // of what it uses, raw bytes, as seen by who set it up
  // What the path leads to here and now: either a block device, or a file. Neither if it leads nowhere (deleted,
  // another mount namespace): such a user may be using anything.
  std::optional<dev_t> block_device;
  std::optional<dev_t> file_device;
  std::uint64_t inode = 0;  // with file_device

  bool uses_device(dev_t number) const { return block_device == number; }
  bool uses_file(dev_t device, std::uint64_t number) const { return file_device == device && inode == number; }
};

std::vector<StorageUser> read_storage_users(const SystemRoots& roots);

// The paths in the text of /proc/swaps, with its escapes undone. Lines that are not understood are skipped.
std::vector<std::string> parse_swaps(std::string_view swaps);

}  // namespace pmend::block
