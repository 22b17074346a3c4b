// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/device.hpp"

#include "pmend/base/text.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace pmend::block {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

std::string base_name(const std::string& path) {
  return std::filesystem::path(path).filename();
}

bool has_entry(const std::string& directory, const std::string& name) {
  std::error_code error;
  return std::filesystem::exists(directory + "/" + name, error);
}

// Sectors of 512 bytes, whatever the device's block size is; 0 where missing or absurd.
std::uint64_t read_sectors(const std::string& directory, const std::string& name) {
  const auto sectors = read_number(directory, name);
  const auto bytes = to_bytes({0, sectors.value_or(0)});
  return bytes ? bytes->length : 0;
}

std::optional<LoopBacking> read_loop(const std::string& disk) {
  auto file = read_attribute(disk, "loop/backing_file");
  if (!file) {
    return std::nullopt;
  }
  LoopBacking loop;
  loop.deleted = file->ends_with(kDeleted);
  if (loop.deleted) {
    file->resize(file->size() - kDeleted.size());
  }
  loop.file = std::move(*file);
  loop.offset = read_number(disk, "loop/offset").value_or(0);
  loop.size_limit = read_number(disk, "loop/sizelimit").value_or(0);
  return loop;
}

std::string read_namespace_uuid(const std::string& disk) {
  std::error_code error;
  const auto subsystem = std::filesystem::read_symlink(disk + "/device/subsystem", error);
  // Other subsystems have "uuid" attributes of other meanings.
  if (error || subsystem.filename() != "nd") {
    return {};
  }
  return read_attribute(disk, "device/uuid").value_or("");
}

DiskIdentity read_identity(const std::string& disk) {
  DiskIdentity identity;
  identity.namespace_uuid = read_namespace_uuid(disk);
  // NVMe has it on the block device, SCSI on the device below.
  identity.wwid = read_attribute(disk, "wwid").value_or(read_attribute(disk, "device/wwid").value_or(""));
  identity.dm_uuid = read_attribute(disk, "dm/uuid").value_or("");
  identity.loop = read_loop(disk);
  identity.diskseq = read_number(disk, "diskseq");
  return identity;
}

std::vector<PartitionEntry> read_partitions(const std::string& disk) {
  std::vector<PartitionEntry> partitions;
  for (const std::string& name : list_directory(disk)) {
    const std::string directory = disk + "/" + name;
    if (read_number(directory, "partition")) {
      const auto range = make_byte_range(read_sectors(directory, "start"), read_sectors(directory, "size"));
      if (range && !range->empty()) {
        partitions.push_back({name, *range});
      }
    }
  }
  std::ranges::sort(partitions, {}, &PartitionEntry::disk_range);
  return partitions;
}

PartitionPlace read_place(const BlockDevice& device, const std::string& disk, std::uint64_t number,
                          const std::string& uevent) {
  PartitionPlace place;
  place.disk = base_name(disk);
  place.number = number;
  place.disk_range = {read_sectors(device.directory, "start"), device.size_bytes};
  place.uuid = uevent_value(uevent, "PARTUUID").value_or("");
  return place;
}

Result<BlockDevice> read_directory(const std::string& link, const std::string& asked) {
  std::error_code error;
  const std::string directory = std::filesystem::canonical(link, error);
  const auto number = error ? std::nullopt : parse_device_number(read_attribute(directory, "dev").value_or(""));
  if (!number) {
    return fail(Errc::kNotFound, "no such device: " + escape_bytes(asked));
  }
  BlockDevice device;
  device.directory = directory;
  device.number = *number;
  device.name = base_name(directory);
  const std::string uevent = read_attribute(directory, "uevent").value_or("");
  device.node = "/dev/" + uevent_value(uevent, "DEVNAME").value_or(device.name);
  device.size_bytes = read_sectors(directory, "size");
  device.read_only = read_number(directory, "ro").value_or(0) != 0;
  device.holders = list_directory(directory + "/holders");
  device.slaves = list_directory(directory + "/slaves");
  const auto part = read_number(directory, "partition");
  const std::string disk = part ? std::filesystem::path(directory).parent_path().string() : directory;
  if (part) {
    device.partition = read_place(device, disk, *part, uevent);
  } else {
    device.partitions = read_partitions(directory);
  }
  device.logical_block_bytes = read_number(disk, "queue/logical_block_size").value_or(kSectorBytes);
  device.physical_block_bytes = read_number(disk, "queue/physical_block_size").value_or(device.logical_block_bytes);
  device.fast_zero_bytes = read_number(disk, "queue/write_zeroes_max_bytes").value_or(0);
  device.dax = read_number(disk, "queue/dax").value_or(0) != 0;
  device.identity = read_identity(disk);
  device.dm_name = read_attribute(directory, "dm/name").value_or("");
  device.md_level = read_attribute(directory, "md/level").value_or("");
  if (has_entry(directory, "badblocks")) {
    device.badblocks = directory + "/badblocks";
  }
  return device;
}

std::string loop_id(const DiskIdentity& identity, const std::string& boot_id) {
  const LoopBacking& loop = *identity.loop;
  return "loop:" + escape_bytes(loop.file) + "@" + std::to_string(loop.offset) + ":" +
         std::to_string(*identity.diskseq) + ":" + boot_id;
}

// Of the disk, where that outlives the boot or the device.
std::string lasting_id(const DiskIdentity& identity) {
  if (!identity.namespace_uuid.empty()) {
    return "ns:" + escape_bytes(identity.namespace_uuid);
  }
  if (!identity.wwid.empty()) {
    return "wwn:" + escape_bytes(identity.wwid);
  }
  return identity.dm_uuid.empty() ? "" : "dm:" + escape_bytes(identity.dm_uuid);
}

std::string part_of_id(const PartitionPlace& partition) {
  return partition.uuid.empty() ? std::to_string(partition.number) + "@" + std::to_string(partition.disk_range.offset)
                                : escape_bytes(partition.uuid);
}

}  // namespace

std::optional<dev_t> parse_device_number(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) {
    return std::nullopt;
  }
  const auto major_number = parse_u64(std::string_view(text).substr(0, colon));
  const auto minor_number = parse_u64(std::string_view(text).substr(colon + 1));
  if (!major_number || !minor_number || *major_number > 0xFFFFF || *minor_number > 0xFFFFFFFF) {
    return std::nullopt;
  }
  return makedev(static_cast<unsigned>(*major_number), static_cast<unsigned>(*minor_number));
}

Result<BlockDevice> read_device(const SystemRoots& roots, const std::string& name) {
  if (name.empty() || name.starts_with('.') || name.find('/') != std::string::npos) {
    return fail(Errc::kInvalid, "not the name of a block device: " + escape_bytes(name));
  }
  return read_directory(roots.sysfs + "/class/block/" + name, name);
}

Result<BlockDevice> read_device(const SystemRoots& roots, dev_t number) {
  const std::string text = std::to_string(major(number)) + ":" + std::to_string(minor(number));
  return read_directory(roots.sysfs + "/dev/block/" + text, text);
}

Result<BlockDevice> find_device(const SystemRoots& roots, const std::string& node) {
  struct stat status = {};
  if (stat(node.c_str(), &status) < 0) {
    return fail_errno(escape_bytes(node));
  }
  if (!S_ISBLK(status.st_mode)) {
    return fail(Errc::kInvalid, escape_bytes(node) + " is not a block device");
  }
  return read_device(roots, status.st_rdev);
}

Result<std::string> read_boot_id(const SystemRoots& roots) {
  const auto id = read_attribute(roots.proc + "/sys/kernel/random", "boot_id");
  if (!id || id->size() != 36 || id->find_first_not_of("0123456789abcdef-") != std::string::npos) {
    return fail(Errc::kInvalid, "boot_id of " + roots.proc);
  }
  return *id;
}

Result<std::string> device_id(const BlockDevice& device, const std::string& boot_id) {
  const DiskIdentity& identity = device.identity;
  std::string disk = lasting_id(identity);
  if (disk.empty() && !identity.loop && device.partition && !device.partition->uuid.empty()) {
    return "partuuid:" + escape_bytes(device.partition->uuid);
  }
  if (disk.empty() && identity.diskseq) {
    disk = identity.loop ? loop_id(identity, boot_id) : "seq:" + std::to_string(*identity.diskseq) + ":" + boot_id;
  }
  if (disk.empty()) {
    return fail(Errc::kNotFound, "nothing tells " + device.node + " from other devices");
  }
  return device.partition ? disk + "/part:" + part_of_id(*device.partition) : disk;
}

}  // namespace pmend::block
