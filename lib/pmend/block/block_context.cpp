// SPDX-License-Identifier: Apache-2.0
#include "pmend/block/block_context.hpp"

#include <algorithm>

namespace pmend::block {
namespace {

constexpr std::uint64_t kPageBytes = 4096;

// Holders that went away meanwhile stay mere names.
std::vector<BlockDevice> read_holders(const SystemRoots& roots, const BlockDevice& device) {
  std::vector<BlockDevice> holders;
  for (const std::string& name : device.holders) {
    if (auto holder = read_device(roots, name); holder) {
      holders.push_back(std::move(*holder));
    }
  }
  return holders;
}

void find_partition_uuid(BlockDevice& device, const SystemRoots& roots, const Probes& probes) {
  if (!device.partition || !device.partition->uuid.empty()) {
    return;
  }
  const auto disk = read_device(roots, device.partition->disk);
  const auto uuid = disk ? probes.partition_uuid(disk->node, device.number) : tl::make_unexpected(disk.error());
  device.partition->uuid = uuid.value_or("");
}

Volume read_volume(const SystemRoots& roots, const Probes& probes, const BlockDevice& device, Surroundings& around) {
  std::optional<Content> content;
  // The partitions say enough of the disk that they lie on.
  if (device.partitions.empty()) {
    if (auto probed = probes.content(device.node); probed) {
      content = std::move(*probed);
    }
  }
  around.holders = read_holders(roots, device);
  const bool here =
      std::ranges::any_of(around.mounts.mounts, [&](const Mount& mount) { return is_mount_of(mount, device); });
  around.elsewhere =
      !here && content && content->kind == ContentKind::kFileSystem ? find_foreign_mount(roots, device) : std::nullopt;
  return describe_volume(device, content, around);
}

void add_piece(std::vector<RangeContext>& pieces, const Volume& volume, const ByteRange& part,
               std::uint64_t volume_start) {
  if (!part.empty()) {
    pieces.push_back({part, {part.offset - volume_start, part.length}, volume});
  }
}

}  // namespace

Result<BlockContext> read_block_context(const SystemRoots& roots, const std::string& node, const Probes& probes) {
  auto device = find_device(roots, node);
  if (!device) {
    return tl::make_unexpected(device.error());
  }
  find_partition_uuid(*device, roots, probes);
  BlockContext context;
  auto boot_id = read_boot_id(roots);
  if (!boot_id) {
    return tl::make_unexpected(boot_id.error());
  }
  auto id = device_id(*device, *boot_id);
  if (!id) {
    return tl::make_unexpected(id.error());
  }
  auto mounts = read_mounts(roots.proc + "/self/mountinfo");
  if (!mounts) {
    return tl::make_unexpected(mounts.error());
  }
  Surroundings around{std::move(*mounts), read_storage_users(roots), {}};
  context.boot_id = std::move(*boot_id);
  context.device_id = std::move(*id);
  context.whole = read_volume(roots, probes, *device, around);
  for (const PartitionEntry& entry : device->partitions) {
    if (auto partition = read_device(roots, entry.name); partition) {
      context.partitions.push_back(read_volume(roots, probes, *partition, around));
    }
  }
  context.device = std::move(*device);
  return context;
}

std::vector<RangeContext> locate(const BlockContext& context, const ByteRange& device_range) {
  std::vector<RangeContext> pieces;
  const auto range = intersect(device_range, {0, context.device.size_bytes});
  if (!range) {
    return pieces;
  }
  std::uint64_t position = range->offset;
  for (const Volume& volume : context.partitions) {
    const ByteRange place = volume.device.partition->disk_range;
    const auto part = intersect({position, range->end() - position}, place);
    if (part) {
      add_piece(pieces, context.whole, {position, part->offset - position}, 0);
      add_piece(pieces, volume, *part, place.offset);
      position = part->end();
    }
  }
  add_piece(pieces, context.whole, {position, range->end() - position}, 0);
  return pieces;
}

Owner owner_of(const RangeContext& range) {
  Owner owner;
  owner.kind = owner_kind(range.volume.use);
  owner.filesystem = range.volume.filesystem;
  owner.device_range = range.device_range;
  owner.detail = range.volume.detail;
  return owner;
}

protocol::DeviceInfo device_info(const BlockContext& context) {
  protocol::DeviceInfo info;
  info.device = context.device.node;
  info.device_id = context.device_id;
  info.size = context.device.size_bytes;
  info.logical_block_size = context.device.logical_block_bytes;
  info.physical_block_size = context.device.physical_block_bytes;
  info.fast_zero = context.device.fast_zero_bytes;
  info.dax = context.device.dax;
  info.repair_unit = info.dax ? std::max(kPageBytes, info.logical_block_size) : info.logical_block_size;
  if (context.whole.use == VolumeUse::kMounted) {
    info.filesystem = context.whole.filesystem;
  }
  return info;
}

}  // namespace pmend::block
