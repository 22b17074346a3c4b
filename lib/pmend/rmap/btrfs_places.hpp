// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/rmap/owner_resolver.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pmend::rmap {

// Any open directory of the file system. Errors: the errno.
Result<UniqueFd> open_btrfs(const MountedFileSystem& fs);

// The number of the device that `fs.node` names. This also shows that it is this file system: the device number of a
// mount of btrfs is not the one that its files have. Errors: the errno; kStale if another one is mounted there.
Result<std::uint64_t> btrfs_device_id(const MountedFileSystem& fs, int top);

// The nodes of all devices that the file or directory may lie on; none if it is not on a btrfs.
std::vector<std::string> btrfs_nodes_of(const std::string& path);

// locate_file() on btrfs: FIEMAP tells logical addresses, the trees of chunks and devices where those lie. Each copy on
// the device that `fs.node` names is an owner, whose detail names the other ones. Errors: as locate_file();
// kUnsupported for a file of which something is compressed, striped over devices, or on other devices only.
Result<std::vector<Owner>> locate_btrfs_file(const MountedFileSystem& fs, const std::string& path);

}  // namespace pmend::rmap
