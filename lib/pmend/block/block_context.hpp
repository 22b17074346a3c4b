// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/block/volume.hpp"
#include "pmend/model/observe_verbs.hpp"

#include <functional>
#include <string>
#include <vector>

namespace pmend::block {

// A device and everything that lies on it: the answer to "what is at these bytes?" as far as the block stack can tell.
struct BlockContext {
  BlockDevice device;
  std::string device_id;
  std::string boot_id;
  Volume whole;                    // the device itself; with partitions: what lies outside of them
  std::vector<Volume> partitions;  // in order of place
};

// A piece of a device range that lies on one volume.
struct RangeContext {
  ByteRange device_range;  // of the device that was asked
  ByteRange volume_range;  // the same bytes counted from the volume's start: what its file system counts in
  Volume volume;
};

// How the content of a node is found: probe_content(), or the same in a child, or a fake. The other reads of the medium
// that a context needs (PARTUUID on kernels that do not tell) are made by `partition_uuid`.
struct Probes {
  std::function<Result<Content>(const std::string& node)> content = probe_content;
  std::function<Result<std::string>(const std::string& disk_node, dev_t partition)> partition_uuid =
      probe_partition_uuid;
};

// Reads sysfs, mountinfo and swaps, and the medium through `probes`; failing probes make the content unknown, no error.
// Errors: those of find_device(), read_boot_id(), device_id() and read_mounts().
Result<BlockContext> read_block_context(const SystemRoots& roots, const std::string& node, const Probes& probes = {});

// Cuts a range of the device at the partitions' borders, in order. What lies behind the device's end is left out.
std::vector<RangeContext> locate(const BlockContext& context, const ByteRange& device_range);

// The owner of a piece that is not on a mounted file system (those are the reverse map's to answer).
Owner owner_of(const RangeContext& range);

// What is told of a watched device. The repair unit is the page where a file system is mounted with DAX.
protocol::DeviceInfo device_info(const BlockContext& context);

}  // namespace pmend::block
