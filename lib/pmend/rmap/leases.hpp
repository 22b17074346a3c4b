// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace pmend::rmap {

// Inodes of `device` with a write lease (fcntl(2) F_SETLEASE), by the text of /proc/locks. Opening such a file, even
// for reading, breaks the lease: that of a repair of ours, or of Samba. Lines that are not understood are skipped.
std::set<std::uint64_t> parse_leases(std::string_view locks, dev_t device);

// The same from the file; none if it cannot be read.
std::set<std::uint64_t> leased_inodes(const std::string& proc, dev_t device);

// The same after the repairs of a moment ago have let go of theirs: waits at most 300 ms for none to be left.
std::set<std::uint64_t> lasting_leases(const std::string& proc, dev_t device);

}  // namespace pmend::rmap
