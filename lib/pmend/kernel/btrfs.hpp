// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/base/range.hpp"
#include "pmend/base/unique_fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

// The ioctls of btrfs (linux/btrfs.h, linux/btrfs_tree.h). All take any open descriptor of the file system and need
// CAP_SYS_ADMIN. Errors: the errno, ENOTTY on other file systems; kInvalid for items that do not parse.
namespace pmend::kernel {

struct BtrfsDevice {
  std::uint64_t id = 0;
  std::string path;  // as the kernel was given it, raw bytes; empty where it is missing
};
Result<std::vector<BtrfsDevice>> btrfs_devices(int fd);

// A piece of a device that belongs to a chunk of logical addresses.
struct BtrfsDeviceExtent {
  ByteRange device_range;
  std::uint64_t chunk = 0;  // the chunk's first logical address
};
// All of a device, in order of place.
Result<std::vector<BtrfsDeviceExtent>> btrfs_device_extents(int fd, std::uint64_t device_id);

enum class BtrfsChunkUse { kData, kMetadata, kMixed };
struct BtrfsChunk {
  BtrfsChunkUse use = BtrfsChunkUse::kMetadata;
  bool striped = false;  // raid0, 10, 5, 6: a device's piece of it is not one run of logical addresses
};
// Errors also: kNotFound if there is none.
Result<BtrfsChunk> btrfs_chunk(int fd, std::uint64_t logical);

// A file that has the block at a logical address.
struct BtrfsReference {
  std::uint64_t inode = 0;
  std::uint64_t file_offset = 0;  // bytes, of the block
  std::uint64_t subvolume = 0;    // id of its tree
};
// All references to the data block at `logical` (BTRFS_IOC_LOGICAL_INO_V2), of all subvolumes and snapshots; none for
// one that is not in use, or in a part of its extent that no file has any more. Errors also: EINVAL for metadata.
Result<std::vector<BtrfsReference>> btrfs_references(int fd, std::uint64_t logical);

// The top directory of a subvolume, by its handle. Errors also: ESTALE if it is gone.
Result<UniqueFd> open_btrfs_subvolume(int mount_fd, std::uint64_t subvolume);

// All names of an inode, below the top directory of the subvolume that `subvolume_fd` is of; raw bytes.
Result<std::vector<std::string>> btrfs_paths(int subvolume_fd, std::uint64_t inode);

}  // namespace pmend::kernel
