// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/block/content.hpp"
#include "pmend/block/device.hpp"
#include "pmend/block/foreign_mounts.hpp"
#include "pmend/block/mounts.hpp"
#include "pmend/block/storage_users.hpp"
#include "pmend/model/owner.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pmend::block {

// What lies on a whole disk or on one partition.
enum class VolumeUse {
  kMounted,     // a file system that is mounted here
  kNotMounted,  // a file system that is not: its owners cannot be asked for
  kSwap,
  kMember,     // part of something larger (LVM, md, dm, bcache), active or not
  kEncrypted,  // LUKS and the like
  kJournal,    // of a file system on another device
  kRealtime,   // file data of an XFS on another device
  kPartitionTable,
  kUnused,   // nothing that is known
  kUnknown,  // could not be found out
};

// The facts about one device or partition, put together by describe_volume().
struct Volume {
  BlockDevice device;
  VolumeUse use = VolumeUse::kUnknown;
  std::optional<FileSystemRef> filesystem;  // with kMounted, kNotMounted, kJournal and kRealtime: which
  std::vector<Mount> mounts;                // with kMounted: the best one to work through first
  std::string detail;                       // for people: "swap space in use", "LVM2_member, used by dm-0 (vg-root)"
  // Why nothing may be written here whoever the owner is (the never-write list of DESIGN.md section 5), for people, as
  // far as the block stack can tell; files have reasons of their own (kernel::file_facts()).
  std::vector<std::string> never_write;
};

// Everything on the machine that decides what a volume is for.
struct Surroundings {
  MountTable mounts;
  std::vector<StorageUser> users;
  std::vector<BlockDevice> holders;            // devices built upon the volume, as far as they could be read
  std::optional<ForeignMount> elsewhere = {};  // of the volume, where it is not mounted here
};

// `content` is nothing where the medium could not be read or must not be. Pure but for looking up the nodes of external
// XFS journals and realtime devices.
Volume describe_volume(const BlockDevice& device, const std::optional<Content>& content,
                       const Surroundings& surroundings);

// Who owns a range of a volume that is not a mounted file system: raw where it is known that no file system's owner
// could be asked for, unknown where there may be one.
OwnerKind owner_kind(VolumeUse use);

}  // namespace pmend::block
