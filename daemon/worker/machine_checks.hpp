// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/base/range_set.hpp"
#include "worker/setting.hpp"

#include <cstdint>
#include <string>

// Pages that took a machine check since the machine was started. The kernel takes such a page out of its own map, and
// writing a part of it, or writing it while it is not listed as bad, may oops; so every worker has to know of them,
// also one that was started later. Nothing takes a page out but a restart of the machine.
namespace pmend::worker {

struct MachineChecks {
  RangeSet pages;             // whole pages of physical addresses
  std::uint64_t counted = 0;  // memory failures among those that the kernel counts in HardwareCorrupted

  friend bool operator==(const MachineChecks&, const MachineChecks&) = default;
};

// The file in which the observing worker keeps them, for this boot. What another boot left is nothing.
class MachineCheckFile {
 public:
  MachineCheckFile(const std::string& runtime_directory, std::string boot_id);

  const std::string& path() const { return path_; }
  // Nothing where there is no file or it is of another boot. Errors: the errno; kCorrupt with what is wrong.
  Result<MachineChecks> read() const;
  // Durable on return. Of more than kMostMachineChecks separate ranges the first ones are kept: the others then are
  // checks that nobody can place. Errors: the errno.
  Status write(const MachineChecks& checks) const;

 private:
  std::string path_;
  std::string boot_id_;
};

inline constexpr std::size_t kMostMachineChecks = 4096;

// Kibibytes of memory that took a machine check in this boot and may lie in a physical range: what was seen there, and
// what HardwareCorrupted of /proc/meminfo counts beyond all that was seen. That came while no observer looked, or could
// not be taken down, and may be anywhere; a count that is less than what was seen is not relied upon at all.
// Read anew by each call. Where the file cannot be read nothing was seen. Errors: those of reading boot id and
// /proc/meminfo: then nobody knows, and nothing may be written that an unknown machine check would make dangerous.
Result<std::uint64_t> memory_errors_kib(const Setting& setting, const ByteRange& physical);

}  // namespace pmend::worker
