// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/base/range_set.hpp"
#include "pmend/base/unique_fd.hpp"
#include "pmend/model/owner.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pmend::repair {

// The only page size that repairs are made for.
inline constexpr std::uint64_t kPageBytes = 4096;

// What the list of bad sectors of a device says now.
struct BadList {
  RangeSet bad;           // ranges of the device
  bool complete = false;  // only then is what is missing gone
  // A list that was cut is in order: it is whole below this byte of the device.
  std::uint64_t known_to = 0;

  // True if what is missing in this range is gone.
  bool knows(const ByteRange& device_range) const { return complete || device_range.end() <= known_to; }
  // True if the list surely does not name any of this range.
  bool lacks(const ByteRange& device_range) const { return knows(device_range) && !bad.overlaps(device_range); }
};

// What writing to the device under a freeze needs besides; see methods/frozen_write.hpp.
struct FreezePlace {
  std::string node;               // the file system's own block device
  std::string runtime_directory;  // where the marker of a freeze lies
  std::vector<int> locks;         // descriptors of locks that must be held for as long as a write may land
  // How long writers may be made to wait for one unit.
  std::chrono::milliseconds limit{2000};
  // Why a freeze might not end, for people; nothing if it can be begun.
  std::function<Result<std::optional<std::string>>()> objection;
  // A socket to a guard of its own (guard.hpp), which runs where the end of this process cannot reach it.
  std::function<Result<UniqueFd>()> connect_guard;
  // Who has this device range now, found anew by the reverse map; without names.
  std::function<Result<std::vector<Owner>>(const ByteRange& device_range)> owners;
};

// Where a repair happens, as the program that knows block devices and mounts found it out. Descriptors are borrowed,
// all functions are set unless it says otherwise.
// Device offsets of plans are relative to `device`, on which the media errors are listed; the file system may begin
// behind its start (a partition).
struct Place {
  std::string device;  // the node, for messages
  std::string device_id;
  int device_fd = -1;                     // open for reading with O_DIRECT
  std::uint64_t device_bytes = 0;         // its size
  std::uint64_t block_bytes = 512;        // its logical block: the smallest direct read and write
  std::uint64_t file_system_offset = 0;   // of the file system's block device on `device`, in bytes
  bool memory = false;                    // the medium is memory (pmem), whatever the mount
  FileSystemRef filesystem;               // its type decides how files are opened
  int mount_fd = -1;                      // any directory of the mounted file system
  std::vector<std::string> forbidden;     // reasons, for people, why nothing may be written here: read-only mount, data
                                          // journalling, dm-snapshot, md member …
  std::function<Result<BadList>()> list;  // reads the list anew
  // Adds a range to the kernel's list of the device; only set where it has one.
  std::function<Status(const ByteRange& device_range)> add_to_list;
  // Kibibytes of memory that took a machine check since boot and may be of this device; not set: all that the kernel
  // counts may. Errors: as hardware_corrupted_kib().
  std::function<Result<std::uint64_t>()> memory_errors_kib;
  // Whether this kernel has the zero-initialise patches (kernel/zeroinit.hpp); only asked where a rule names them.
  std::function<Result<bool>()> knows_zeroinit;
  // What the kernel itself uses a file for ("swap", "loop3", a SCSI target), nothing if it does not.
  std::function<Result<std::optional<std::string>>(dev_t device, ino_t inode)> kernel_user;
  // The processes that have a file open or mapped.
  std::function<std::vector<OpenBy>(dev_t device, ino_t inode)> openers;
  // Fails, and says why, where openers() may miss a process.
  std::function<Status()> sees_all_processes;
  // True while somebody has a write lease on the file: opening it would break the lease, also one of a repair of ours.
  std::function<bool(dev_t device, ino_t inode)> is_leased;
  // True if the process is a worker of pmend itself, which has a file open only for a moment, or is gone already.
  std::function<bool(std::uint32_t pid)> is_own_worker;
  std::chrono::milliseconds read_limit{10'000};  // how long a read of suspect media may take
  FreezePlace freeze;

  // What is written at once, in bytes: memory in whole pages, for a part of one that took a machine check cannot be
  // written.
  std::uint64_t unit_bytes() const { return memory ? kPageBytes : block_bytes; }
};

}  // namespace pmend::repair
