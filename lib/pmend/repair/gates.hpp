// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/repair/place.hpp"
#include "pmend/repair/target.hpp"

#include <optional>
#include <string>

// The list of what is never written (DESIGN.md section 5). Each answer names the reason and, where there is one, what a
// person can do; nothing means allowed.
namespace pmend::repair {

// For everything at this place.
std::optional<std::string> forbidden_place(const Place& place);

// For every write on persistent memory but the one through a file that is mapped from it (recovery-write), which copies
// under a handler of faults: others crash the kernel at a page that took a machine check, and nobody can tell which
// pages those are. `hardware_corrupted_kib` is HardwareCorrupted of /proc/meminfo, which never goes down, or as much of
// it as may be of this place.
std::optional<std::string> forbidden_memory(const Place& place, std::uint64_t hardware_corrupted_kib);

// What of these two forbids it now. Errors: as hardware_corrupted_kib().
Result<std::optional<std::string>> forbidden_now(const Place& place);

// For this file, whatever the method: its blocks are not plain data of its own.
std::optional<std::string> forbidden_content(const TargetFacts& facts);

// For this file and every method that opens it for writing.
std::optional<std::string> forbidden_file(const TargetFacts& facts);

// For an exchange of its blocks: somebody has the file mapped from its medium (DAX), and the kernel does not count what
// is stored through such a mapping as a change. Who maps it from now on gets no page that is listed as bad.
std::optional<std::string> forbidden_exchange(const Place& place, const TargetFacts& facts);

// For a write(2) to it by somebody privileged, which does more than put bytes in place.
std::optional<std::string> forbidden_write(const TargetFacts& facts);

// Kibibytes of memory that took a machine check since boot; 0 where the kernel does not count.
// Errors: the errno where /proc/meminfo cannot be read.
Result<std::uint64_t> hardware_corrupted_kib(const std::string& meminfo = "/proc/meminfo");
// The same, but for what is known to be elsewhere than at this place.
Result<std::uint64_t> hardware_corrupted_kib(const Place& place);

// True if the file system is frozen (or its log is out of reach): a change that changes nothing, tried in a child, does
// not come back. Errors: the errno of fork(2).
Result<bool> is_frozen(int fd, std::chrono::milliseconds limit);

}  // namespace pmend::repair
