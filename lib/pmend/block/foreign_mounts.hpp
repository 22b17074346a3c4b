// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/block/device.hpp"
#include "pmend/block/mounts.hpp"

#include <optional>
#include <string>

namespace pmend::block {

// A mount that only another mount namespace (of a container, say) shows; its target counts there.
struct ForeignMount {
  Mount mount;
  std::string process;  // number of one that lives there
};

// True if the mount's file system lies on the device, as far as a mount table can tell.
bool is_mount_of(const Mount& mount, const BlockDevice& device);

// Looks through the namespaces of all processes. Finds nothing where /proc does not show them.
std::optional<ForeignMount> find_foreign_mount(const SystemRoots& roots, const BlockDevice& device);

}  // namespace pmend::block
