// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <vector>

// What the last address range scrub of a bus found (ACPI 6.5, 9.20.7 "Address Range Scrubbing"; linux/ndctl.h). Asks
// the firmware, which may take a while.
namespace pmend::kernel {

struct ArsRecords {
  ByteRange covered;           // physical: what was scrubbed
  std::vector<ByteRange> bad;  // physical; the granularity is the firmware's
};

// `control_fd` is of /dev/ndctlN, open for reading and writing; `physical` is a range of persistent memory, for which
// the firmware is asked how much it may have to say. The answer is about the last scrub of the bus, wherever that was:
// the firmware scrubs one range after the other and keeps the records of the last one only. libndctl does not tell
// which one that was.
// Errors: the errno (ENOTTY: the firmware has no such command); kIncomplete while a scrub runs and where records did
// not fit; kNotFound if there was none since the machine started; kUnsupported if the firmware says so of the range.
Result<ArsRecords> ars_records(int control_fd, const ByteRange& physical);

}  // namespace pmend::kernel
