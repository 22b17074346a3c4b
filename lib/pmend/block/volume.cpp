// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/volume.hpp"

#include "pmend/base/text.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <tuple>

namespace pmend::block {
namespace {

bool names_device(const std::string& node, const BlockDevice& device) {
  if (node == device.node) {
    return true;
  }
  struct stat status = {};
  return node.starts_with('/') && stat(node.c_str(), &status) == 0 && S_ISBLK(status.st_mode) &&
         status.st_rdev == device.number;
}

std::vector<Mount> mounts_of(const MountTable& table, const BlockDevice& device) {
  std::vector<Mount> mounts;
  for (const Mount& mount : table.mounts) {
    if (is_mount_of(mount, device) && is_reachable(table, mount)) {
      mounts.push_back(mount);
    }
  }
  // Through a mount of a part of the file system not all names can be seen.
  std::ranges::stable_sort(mounts, {}, [](const Mount& mount) {
    return std::tuple(mount.root != "/", mount.root.size(), mount.target.size());
  });
  return mounts;
}

FileSystemRef ref_of(const Mount& mount, const std::optional<Content>& content) {
  FileSystemRef ref;
  ref.type = mount.type;
  ref.mount_point = mount.target;
  if (content && content->kind == ContentKind::kFileSystem) {
    ref.uuid = content->uuid;
    ref.label = content->label;
  }
  return ref;
}

std::string name_of(const BlockDevice& holder) {
  if (!holder.dm_name.empty()) {
    const char* kind = holder.identity.dm_uuid.starts_with("LVM-")     ? "LVM "
                       : holder.identity.dm_uuid.starts_with("CRYPT-") ? "dm-crypt "
                                                                       : "dm ";
    return holder.name + " (" + kind + escape_bytes(holder.dm_name) + ")";
  }
  return holder.md_level.empty() ? holder.name : holder.name + " (md " + escape_bytes(holder.md_level) + ")";
}

std::string holder_names(const BlockDevice& device, const std::vector<BlockDevice>& holders) {
  std::string names;
  for (const std::string& holder : device.holders) {
    const auto known = std::ranges::find(holders, holder, &BlockDevice::name);
    names += (names.empty() ? "" : ", ") + (known == holders.end() ? holder : name_of(*known));
  }
  return names;
}

// A read-only mount writes what waits in the journal.
std::string how_to_mount(const std::string& type) {
  return type == "xfs" ? "read-only is enough; with ro,norecovery nothing is written" : "read-only is enough";
}

VolumeUse use_of(ContentKind kind) {
  switch (kind) {
    case ContentKind::kNone:
      return VolumeUse::kUnused;
    case ContentKind::kFileSystem:
      return VolumeUse::kNotMounted;
    case ContentKind::kSwap:
      return VolumeUse::kSwap;
    case ContentKind::kMember:
      return VolumeUse::kMember;
    case ContentKind::kEncrypted:
      return VolumeUse::kEncrypted;
    case ContentKind::kJournal:
      return VolumeUse::kJournal;
    case ContentKind::kPartitionTable:
      return VolumeUse::kPartitionTable;
    case ContentKind::kAmbiguous:
      return VolumeUse::kUnknown;
  }
  return VolumeUse::kUnknown;
}

// Decides in the order of what is surest: who uses the device now, before what its signatures say it once was.
class Describer {
 public:
  Describer(const BlockDevice& device, const std::optional<Content>& content, const Surroundings& around)
      : content_(content), around_(around) {
    volume_.device = device;
  }

  Volume run() {
    if (!(describe_mounted() || describe_external() || describe_swap() || describe_held())) {
      describe_content();
    }
    add_general_reasons();
    return std::move(volume_);
  }

 private:
  bool describe_mounted() {
    volume_.mounts = mounts_of(around_.mounts, volume_.device);
    if (volume_.mounts.empty()) {
      return false;
    }
    const Mount& mount = volume_.mounts.front();
    volume_.use = VolumeUse::kMounted;
    volume_.filesystem = ref_of(mount, content_);
    volume_.detail = mount.type + " mounted on " + escape_bytes(mount.target);
    if (std::ranges::all_of(volume_.mounts, is_read_only)) {
      never("it is mounted read-only");
    }
    if (has_data_journal(mount)) {
      never("it journals file contents (data=journal)");
    }
    if (mount.type == "btrfs") {
      never("btrfs repairs from its own redundancy");
    }
    if (option_value(mount.fs_options, "logdev") || option_value(mount.fs_options, "rtdev")) {
      never("the file system lies on several devices");
    }
    return true;
  }

  // The journal or realtime device of a mounted XFS has no mount of its own.
  bool describe_external() {
    for (const Mount& mount : around_.mounts.mounts) {
      const auto log = option_value(mount.fs_options, "logdev");
      const auto realtime = option_value(mount.fs_options, "rtdev");
      if (log && names_device(*log, volume_.device)) {
        describe_part_of(mount, VolumeUse::kJournal, "journal");
        return true;
      }
      if (realtime && names_device(*realtime, volume_.device)) {
        describe_part_of(mount, VolumeUse::kRealtime, "realtime device");
        return true;
      }
    }
    return false;
  }

  void describe_part_of(const Mount& mount, VolumeUse use, const std::string& part) {
    volume_.use = use;
    volume_.filesystem = ref_of(mount, std::nullopt);
    volume_.detail = part + " of the " + mount.type + " mounted on " + escape_bytes(mount.target);
    never("it is the " + volume_.detail);
  }

  bool describe_swap() {
    const bool in_use = std::ranges::any_of(around_.users, [this](const StorageUser& user) {
      return user.kind == StorageUserKind::kSwap && user.uses_device(volume_.device.number);
    });
    if (in_use) {
      volume_.use = VolumeUse::kSwap;
      volume_.detail = "swap space in use";
      never("it is swap space in use");
    }
    return in_use;
  }

  bool describe_held() {
    if (volume_.device.holders.empty()) {
      return false;
    }
    const std::string users = holder_names(volume_.device, around_.holders);
    const bool encrypted = content_ && content_->kind == ContentKind::kEncrypted;
    volume_.use = encrypted ? VolumeUse::kEncrypted : VolumeUse::kMember;
    volume_.detail = (content_ && !content_->type.empty() ? content_->type + ", " : "") + "used by " + users;
    never("it is used by " + users);
    return true;
  }

  void describe_content() {
    if (!volume_.device.partitions.empty()) {
      volume_.use = VolumeUse::kPartitionTable;
      volume_.detail = "partition table or space between partitions";
      never("it is not in any partition");
      return;
    }
    if (!content_) {
      volume_.detail = "its content could not be read";
      return;
    }
    volume_.use = use_of(content_->kind);
    switch (volume_.use) {
      case VolumeUse::kNotMounted:
        volume_.filesystem = FileSystemRef{content_->type, content_->uuid, content_->label, ""};
        volume_.detail = content_->type + " that is not mounted here" +
                         (around_.elsewhere ? ", but in the mount namespace of process " + around_.elsewhere->process +
                                                  " on " + escape_bytes(around_.elsewhere->mount.target)
                                            : "; to see whose it is, mount it (" + how_to_mount(content_->type) + ")");
        never("its file system is not mounted here");
        break;
      case VolumeUse::kUnused:
        volume_.detail = "nothing that is known lies there";
        break;
      case VolumeUse::kUnknown:
        volume_.detail = "its signatures contradict each other";
        break;
      case VolumeUse::kMounted:
      case VolumeUse::kSwap:
      case VolumeUse::kMember:
      case VolumeUse::kEncrypted:
      case VolumeUse::kJournal:
      case VolumeUse::kRealtime:
      case VolumeUse::kPartitionTable:
        volume_.detail = content_->type;
        never("it holds " + content_->type);
        break;
    }
  }

  void add_general_reasons() {
    if (volume_.device.read_only) {
      never("the device is read-only");
    }
    if (!volume_.device.slaves.empty()) {
      never("it is built upon other devices, and a snapshot, thin or raid layer below cannot be ruled out");
    }
    for (const StorageUser& user : around_.users) {
      if (user.kind != StorageUserKind::kSwap && user.uses_device(volume_.device.number)) {
        never("it is the backing store of " + user.name);
      }
    }
  }

  void never(std::string why) { volume_.never_write.push_back(std::move(why)); }

  const std::optional<Content>& content_;
  const Surroundings& around_;
  Volume volume_;
};

}  // namespace

Volume describe_volume(const BlockDevice& device, const std::optional<Content>& content,
                       const Surroundings& surroundings) {
  return Describer(device, content, surroundings).run();
}

OwnerKind owner_kind(VolumeUse use) {
  switch (use) {
    case VolumeUse::kSwap:
    case VolumeUse::kMember:
    case VolumeUse::kEncrypted:
    case VolumeUse::kPartitionTable:
    case VolumeUse::kUnused:
      return OwnerKind::kRaw;
    case VolumeUse::kJournal:
      return OwnerKind::kMetadata;
    case VolumeUse::kMounted:
    case VolumeUse::kNotMounted:
    case VolumeUse::kRealtime:
    case VolumeUse::kUnknown:
      return OwnerKind::kUnknown;
  }
  return OwnerKind::kUnknown;
}

}  // namespace pmend::block
