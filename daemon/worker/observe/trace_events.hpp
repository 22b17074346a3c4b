// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

// What the kernel's tracepoints tell of memory and disks that lose bytes, as values. Nothing here does I/O.
namespace pmend::worker {

// ras:memory_failure_event: the kernel has dealt with a page that lost bytes.
struct MemoryFailure {
  std::uint64_t page_number = 0;
  std::string text;  // of the kernel: "pfn 0x40a28: recovery action for dax page: Recovered"

  // Whether it counts in HardwareCorrupted of /proc/meminfo: a page that was known already does not (action_result() in
  // Linux mm/memory-failure.c).
  bool counts() const;

  friend bool operator==(const MemoryFailure&, const MemoryFailure&) = default;
};

// mce:mce_record: a machine check, of whatever kind (struct mce in Linux arch/x86/include/uapi/asm/mce.h).
struct MachineCheck {
  std::uint64_t status = 0;
  std::uint64_t address = 0;  // physical, if the status says so
  std::uint64_t misc = 0;
  std::uint64_t vendor = 0;  // of the processor, as the kernel counts them

  friend bool operator==(const MachineCheck&, const MachineCheck&) = default;
};

// block:block_rq_error: a request of a disk has failed.
struct BlockError {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  SectorRange sectors;    // of the whole disk, also where a partition was read
  int number = 0;         // errno
  std::string operation;  // rwbs: 'R' first for a read

  friend bool operator==(const BlockError&, const BlockError&) = default;
};

// cxl:cxl_poison, cxl:cxl_general_media, cxl:cxl_dram: a CXL device tells of a physical address that lost bytes, or has
// got new ones.
struct CxlMediaError {
  std::uint64_t address = 0;  // physical
  std::uint64_t length = 0;   // bytes; 0: not told
  std::string device;         // "mem0"
  bool cleared = false;       // the record says that it was bad
  bool corrected = false;     // nothing is lost

  friend bool operator==(const CxlMediaError&, const CxlMediaError&) = default;
};

using TraceEvent = std::variant<MemoryFailure, MachineCheck, BlockError, CxlMediaError>;

// The physical bytes that a machine check says are lost; nothing if it does not say that memory lost bytes for good, or
// not where.
std::optional<ByteRange> lost_memory(const MachineCheck& check);
// Its page.
std::optional<ByteRange> lost_memory(const MemoryFailure& failure);
// Nothing where the address lies beyond every machine's.
std::optional<ByteRange> lost_memory(const CxlMediaError& error);

// The bytes of the disk if a read failed because the medium lost bytes, or so it says: also transport errors may come
// as EIO. Nothing for everything else.
std::optional<ByteRange> lost_blocks(const BlockError& error);

}  // namespace pmend::worker
