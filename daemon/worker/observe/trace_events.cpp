// SPDX-License-Identifier: Apache-2.0
#include "worker/observe/trace_events.hpp"

#include "pmend/repair/outcome_from_errno.hpp"
#include "pmend/repair/place.hpp"

namespace pmend::worker {
namespace {

using repair::kPageBytes;

// Bits of MCi_STATUS and MCi_MISC (Intel SDM volume 3B, section 16.3.2; AMD APM volume 2, section 9.3.2).
constexpr std::uint64_t kStatusValid = 1ULL << 63U;
constexpr std::uint64_t kStatusUncorrected = 1ULL << 61U;
constexpr std::uint64_t kStatusMiscValid = 1ULL << 59U;
constexpr std::uint64_t kStatusAddressValid = 1ULL << 58U;
constexpr std::uint64_t kStatusDeferred = 1ULL << 44U;  // AMD: lost, and nobody has read it yet
constexpr std::uint64_t kMiscLsb = 0x3f;
constexpr std::uint64_t kPageShift = 12;

// X86_VENDOR_… of Linux arch/x86/include/asm/processor.h.
constexpr std::uint64_t kIntel = 0;
constexpr std::uint64_t kAmd = 2;
constexpr std::uint64_t kHygon = 9;
constexpr std::uint64_t kZhaoxin = 10;

bool codes_are_intels(const MachineCheck& check) {
  return check.vendor == kIntel || check.vendor == kZhaoxin;
}

// As mce_is_memory_error() of Linux arch/x86/kernel/cpu/mce/core.c: memory controllers, and caches that hand on what
// they got.
bool is_memory_code(std::uint64_t status) {
  return (status & 0xef80U) == 0x80U || (status & 0xef00U) == 0x100U || (status & 0xeffcU) == 0xcU;
}

bool is_lost_memory(const MachineCheck& check) {
  if ((check.status & kStatusValid) == 0 || (check.status & kStatusAddressValid) == 0) {
    return false;
  }
  const bool deferred = (check.vendor == kAmd || check.vendor == kHygon) && (check.status & kStatusDeferred) != 0;
  if ((check.status & kStatusUncorrected) == 0 && !deferred) {
    return false;
  }
  // Other vendors do not tell by the status alone: rather one page too many.
  return !codes_are_intels(check) || is_memory_code(check.status);
}

std::optional<ByteRange> physical_range(std::uint64_t address, std::uint64_t length) {
  const auto range = make_byte_range(address, length);
  return range ? std::optional(*range) : std::nullopt;
}

}  // namespace

bool MemoryFailure::counts() const {
  return text.find("already poisoned") == std::string::npos;
}

std::optional<ByteRange> lost_memory(const MachineCheck& check) {
  if (!is_lost_memory(check)) {
    return std::nullopt;
  }
  std::uint64_t bytes = kPageBytes;
  if (codes_are_intels(check) && (check.status & kStatusMiscValid) != 0 && (check.misc & kMiscLsb) <= kPageShift) {
    bytes = 1ULL << (check.misc & kMiscLsb);
  }
  return physical_range(check.address & ~(bytes - 1), bytes);
}

std::optional<ByteRange> lost_memory(const MemoryFailure& failure) {
  if (failure.page_number >= (1ULL << 63U) / kPageBytes) {
    return std::nullopt;
  }
  return physical_range(failure.page_number * kPageBytes, kPageBytes);
}

std::optional<ByteRange> lost_memory(const CxlMediaError& error) {
  if (error.corrected) {
    return std::nullopt;
  }
  // An address that is in no region is all ones.
  const auto range = physical_range(error.address, error.length == 0 ? kSectorBytes : error.length);
  return range && range->end() <= (1ULL << 63U) - kPageBytes ? range : std::nullopt;
}

std::optional<ByteRange> lost_blocks(const BlockError& error) {
  if (error.operation.empty() || error.operation.front() != 'R' || !repair::is_medium_error(error.number)) {
    return std::nullopt;
  }
  const auto bytes = to_bytes(error.sectors);
  return bytes && !bytes->empty() ? std::optional(*bytes) : std::nullopt;
}

}  // namespace pmend::worker
