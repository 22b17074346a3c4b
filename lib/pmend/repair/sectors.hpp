// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/place.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace pmend::repair {

// What a direct read of a device range gave, sector by sector.
struct SectorsRead {
  ByteRange device_range;
  std::vector<bool> readable;    // one entry per 512-byte sector
  std::vector<std::byte> bytes;  // zeros where not readable

  bool all_readable() const;
  bool none_readable() const;
};

// Reads past every cache, block by block where a larger read fails, in a child that is given up at the place's limit.
// `device_range` is made of whole logical blocks. Errors: kTimedOut where the device gives no answer: the bytes are
// then neither good nor bad; the errno where reading fails for another reason than the medium.
Result<SectorsRead> read_sectors(const Place& place, const ByteRange& device_range);

// A digest of what was read that tells unreadable sectors from zeros.
std::string digest_of(const SectorsRead& read);

}  // namespace pmend::repair
