// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "worker/owners.hpp"

// The block stack of locate: whose bytes are these on what is built upon the device, and where do bytes of a file lie
// below the device that has its file system. For people who ask; repairs go by find_owners() alone, which stops at the
// device.
namespace pmend::worker {

// As find_owners(), and where the range is part of a partition, an LV, an md array or a loop device, whoever has it
// there, `detail` saying by way of what; of a file that a loop device is made of, whoever has it in there besides. All
// device ranges are of the device that was asked. In order of device offset.
Result<std::vector<Owner>> find_stacked_owners(const Setting& setting, const block::BlockContext& context,
                                               const std::vector<ByteRange>& ranges, const FactsWanted& wanted);

// Says in `detail` of each owner where its range lies on devices that are built upon none, if the device is built upon
// some: "which is /dev/sda 1048576+4096". Where that cannot be found out, why.
void add_places_below(const Setting& setting, const block::BlockDevice& device, std::vector<Owner>& owners);

}  // namespace pmend::worker
