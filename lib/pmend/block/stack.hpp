// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/block/device.hpp"
#include "pmend/block/layer.hpp"
#include "pmend/kernel/dm_table.hpp"

#include <functional>
#include <string>
#include <vector>

// Devices upon devices: partition, device mapper, md and loop, step by step in both directions.
namespace pmend::block {

// Where the tables of the device mapper come from: the kernel, or a test.
using DmTables = std::function<Result<std::vector<kernel::DmTarget>>(dev_t device)>;

// How a device is built upon others; without segments and without unfollowed parts it is built upon none. A loop device
// over a file ends here: whose blocks the file has is the reverse map's to say.
// Errors: those of the table.
Result<Layer> read_layer(const SystemRoots& roots, const BlockDevice& device, const DmTables& tables);

// A device built upon another, and which bytes they have in common.
struct Above {
  BlockDevice device;
  std::vector<SameBytes> same;
};

struct AllAbove {
  std::vector<Above> followed;
  std::vector<std::string> unfollowed;  // what uses the range, or may, but is not followed: "dm-3 (dm-crypt)"
};

// What is built upon a range of a device: its holders, and loop devices over it. Partitions are not asked for: locate()
// cuts at their borders. What cannot be read is told in `unfollowed`.
AllAbove read_above(const SystemRoots& roots, const BlockDevice& device, const ByteRange& range,
                    const DmTables& tables);

// The same bytes on a device that is built upon none, or is not followed further.
struct Bottom {
  ByteRange range;  // of the device that was asked
  std::string node;
  std::uint64_t offset = 0;
  std::string why_not_followed;  // empty: it is built upon none

  friend auto operator<=>(const Bottom&, const Bottom&) = default;
};

// Where ranges of a device lie at last, in order, each mirror for itself. Errors: kIncomplete for more than
// kMostPieces.
Result<std::vector<Bottom>> find_bottom(const SystemRoots& roots, const BlockDevice& device,
                                        const std::vector<ByteRange>& ranges, const DmTables& tables);

}  // namespace pmend::block
