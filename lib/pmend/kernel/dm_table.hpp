// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

// The table of a device of the device mapper: DM_TABLE_STATUS with DM_STATUS_TABLE_FLAG (linux/dm-ioctl.h; there is no
// man page).
namespace pmend::kernel {

struct DmTarget {
  ByteRange range;   // bytes of the device
  std::string type;  // "linear", "striped", "crypt", …
  // As dmsetup(8) prints them behind the type. Only of targets that place bytes and hold nothing secret (linear,
  // striped); empty for all others: those of crypt have the key.
  std::string parameters;

  friend bool operator==(const DmTarget&, const DmTarget&) = default;
};

// Of the active table, in its order; none while the device has no table. Asks through /dev/mapper/control.
// Errors: the errno (ENXIO: no such device; ENOENT: no device mapper); kInvalid for an answer that is none.
Result<std::vector<DmTarget>> dm_table(dev_t device);

// The targets in the part of an answer that follows its head. Errors: kInvalid.
Result<std::vector<DmTarget>> decode_dm_targets(std::span<const std::byte> targets, std::uint32_t count);

}  // namespace pmend::kernel
