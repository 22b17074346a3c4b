// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/model/enum_names.hpp"
#include "pmend/model/json.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

// What is known of a device that is persistent memory, beyond what every block device has.
namespace pmend::protocol {

// As ndctl(1) names them.
enum class PmemMode {
  kFsdax,   // with page structures, so that files can be mapped
  kRaw,     // the bare range
  kSector,  // behind a block translation table: the driver moves each sector that is written
  kDevdax,  // a character device for programs that map it, no block device
};
inline constexpr std::array kPmemModeNames = {EnumName{PmemMode::kFsdax, "fsdax"}, EnumName{PmemMode::kRaw, "raw"},
                                              EnumName{PmemMode::kSector, "sector"},
                                              EnumName{PmemMode::kDevdax, "devdax"}};
constexpr std::span<const EnumName<PmemMode>> enum_names(PmemMode) {
  return kPmemModeNames;
}

enum class CanClear { kYes, kNo, kUnknown };
inline constexpr std::array kCanClearNames = {EnumName{CanClear::kYes, "yes"}, EnumName{CanClear::kNo, "no"},
                                              EnumName{CanClear::kUnknown, "unknown"}};
constexpr std::span<const EnumName<CanClear>> enum_names(CanClear) {
  return kCanClearNames;
}

// Does a write make a bad place of the medium good again?
struct Clearing {
  CanClear can = CanClear::kUnknown;
  std::string reason;  // for people: why
  std::string advice;  // for people: what can be done instead; empty with kYes

  friend bool operator==(const Clearing&, const Clearing&) = default;
};

struct PmemDimm {
  std::string name;  // of the kernel: "nmem0"
  std::string id;    // the unique id of its firmware tables, else its serial number in hex; empty if it has neither
  std::uint64_t handle = 0;
  std::string health;  // "ok", or what its flags and its SMART state say; empty: not known

  friend bool operator==(const PmemDimm&, const PmemDimm&) = default;
};

struct PmemInfo {
  std::string name_space;  // of the kernel: "namespace0.0"; JSON: namespace
  std::string region;
  std::string bus;  // its provider: "ACPI.NFIT", "virtio-pmem", …
  PmemMode mode = PmemMode::kRaw;
  // Where the first byte of the device lies. Absent where its bytes do not lie in a row (sector), and where the kernel
  // does not tell.
  std::optional<std::uint64_t> physical_start;
  std::vector<PmemDimm> dimms;  // that the region lies on; several are interleaved
  Clearing clearing;

  friend bool operator==(const PmemInfo&, const PmemInfo&) = default;
};

Json to_json(const Clearing& clearing);
void read_json(const JsonReader& in, Clearing& clearing);
Json to_json(const PmemDimm& dimm);
void read_json(const JsonReader& in, PmemDimm& dimm);
Json to_json(const PmemInfo& pmem);
void read_json(const JsonReader& in, PmemInfo& pmem);

}  // namespace pmend::protocol
