// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "medium/trace.hpp"

#include <string>
#include <vector>

// For tests: what reached the medium.
namespace pmend::medium {

// The records from number `first_record` on, none if there are not so many. `path` is the file in the state directory
// or in the mount. A torn last record is left out. Errors: the errno; kCorrupt with the number of the bad record.
Result<std::vector<TraceRecord>> read_trace(const std::string& path, std::uint64_t first_record = 0);

// "12 write 4096+512 error=EIO flags=poison,lied time=1700000000.000000000 digest=0123456789abcdef"
std::string to_string(const TraceRecord& record);

}  // namespace pmend::medium
