// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace pmend::world {

struct MountEntry {
  std::string source;
  std::string target;
  std::string type;
  std::string device_number;  // "7:3"
};

// The mounts of this mount namespace whose target is `directory` or lies below it, innermost last.
std::vector<MountEntry> mounts_below(const std::string& directory);

// umount(2), tried again for some seconds while it is busy (a late close of somebody's descriptor). Throws Failure.
void unmount(const std::string& target);

// Takes the mount out of the tree at once, whatever state it is in; for clean-up only.
void detach_mount(const std::string& target) noexcept;

// Gives this process a mount namespace of its own, so that the mounts of a killed test go with it.
void enter_private_mount_namespace();

}  // namespace pmend::world
