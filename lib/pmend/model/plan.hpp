// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/model/enum_names.hpp"
#include "pmend/model/owner.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What would be done to an incident, exactly enough that a worker can check that nothing has changed since, and that an
// approval can name it by its hash.
namespace pmend {

// How a unit is repaired; DESIGN.md section 5 describes each.
enum class Method {
  kRedirty,
  kExchange,
  kRecoveryWrite,
  kRewrite,
  kFrozenWrite,
  kRescue,
  kZeroinit,
  kPunch,
};
inline constexpr std::array kMethodNames = {
    EnumName{Method::kRedirty, "redirty"},
    EnumName{Method::kExchange, "exchange"},
    EnumName{Method::kRecoveryWrite, "recovery-write"},
    EnumName{Method::kRewrite, "rewrite"},
    EnumName{Method::kFrozenWrite, "frozen-write"},
    EnumName{Method::kRescue, "rescue"},
    EnumName{Method::kZeroinit, "zeroinit"},
    EnumName{Method::kPunch, "punch"},
};
constexpr std::span<const EnumName<Method>> enum_names(Method) {
  return kMethodNames;
}

// What becomes of one 512-byte sector of a unit: the letters of Unit::sectors.
inline constexpr char kSectorGood = 'g';      // readable on the device
inline constexpr char kSectorLost = 'L';      // nobody has its bytes: zeros
inline constexpr char kSectorCached = 'C';    // bad on the device, its bytes are in the page cache
inline constexpr char kSectorUnused = 'U';    // bad on the device, nobody's data: zeros lose nothing
inline constexpr char kSectorRestored = 'R';  // a restore hook supplied its bytes

// A repair unit, or several adjoining ones that share method and mapping.
struct Unit {
  ByteRange device_range;  // whole repair units; JSON: members device_offset and length
  Method method = Method::kRedirty;
  std::string sectors;  // one letter per sector of device_range

  friend bool operator==(const Unit&, const Unit&) = default;
};

// Which file has which device range.
struct Mapping {
  FileId file;                    // JSON: members inode and generation
  std::uint64_t file_offset = 0;  // bytes
  ByteRange device_range;         // JSON: members device_offset and length

  friend bool operator==(const Mapping&, const Mapping&) = default;
};

struct PlannedUnit {
  Unit unit;                      // JSON: its members
  std::vector<Mapping> mappings;  // what must still hold at the changing step; empty for free space and raw devices

  friend bool operator==(const PlannedUnit&, const PlannedUnit&) = default;
};

// Bytes that a restore hook supplied. The bytes themselves never leave the worker's spool.
struct RestoredBytes {
  ByteRange device_range;
  std::string sha256;

  friend bool operator==(const RestoredBytes&, const RestoredBytes&) = default;
};

// A plan must fit into one message of the worker protocol; the engine cuts larger incidents.
inline constexpr std::size_t kMaxUnitsPerPlan = 128;

struct Plan {
  std::string device;  // the node at planning time, a hint; the worker finds it again by device_id
  std::string device_id;
  // /proc/sys/kernel/random/boot_id: device nodes, loop devices and mounts may be others after a reboot.
  std::string boot_id;
  OwnerKind owner = OwnerKind::kUnknown;
  std::optional<FileSystemRef> filesystem;  // absent for raw
  Method method = Method::kRedirty;         // the most intrusive one of the units
  std::vector<PlannedUnit> units;           // in order of device offset, at least one
  std::vector<ByteRange> bad;               // list entries inside the units
  std::vector<ByteRange> salvageable;       // what of the units can still be had from device, cache or hook
  std::vector<ByteRange> lost;              // what cannot, and is data: slack behind the end of a file is neither
  std::vector<RestoredBytes> restored;

  friend bool operator==(const Plan&, const Plan&) = default;
};

// Why there is no plan, and the state that the incident gets.
enum class RefusalState {
  kBlocked,     // a guard refuses: nothing may be done now
  kUnresolved,  // the owner is not known well enough
  kCleared,     // the error is no longer there
};
inline constexpr std::array kRefusalStateNames = {EnumName{RefusalState::kBlocked, "blocked"},
                                                  EnumName{RefusalState::kUnresolved, "unresolved"},
                                                  EnumName{RefusalState::kCleared, "cleared"}};
constexpr std::span<const EnumName<RefusalState>> enum_names(RefusalState) {
  return kRefusalStateNames;
}
struct PlanRefusal {
  RefusalState state = RefusalState::kBlocked;
  std::string reason;  // for people: what refuses and what would change that

  friend bool operator==(const PlanRefusal&, const PlanRefusal&) = default;
};

// What of a plan is shown with its incident.
struct PlanSummary {
  std::string hash;
  Method method = Method::kRedirty;
  std::uint64_t units = 0;  // how many
  std::uint64_t bytes_bad = 0;
  std::uint64_t bytes_salvageable = 0;
  std::uint64_t bytes_lost = 0;

  friend bool operator==(const PlanSummary&, const PlanSummary&) = default;
};

// What decided on a plan: part of its hash, so that a changed policy voids approvals.
struct PlanBasis {
  std::string rule;         // name of the policy rule
  std::string policy_hash;  // of the whole loaded policy

  friend bool operator==(const PlanBasis&, const PlanBasis&) = default;
};

// SHA-256 (hex) over the canonical JSON of device id, boot id, type and UUID of the file system, owner kind, bad list
// entries, units with method and mappings, lost ranges, restore digests, rule and policy hash. Not in it: hints (device
// node, label, mount point), and where salvageable bytes come from, for that changes nothing for who approved.
std::string plan_hash(const Plan& plan, const PlanBasis& basis);
PlanSummary summary_of(const Plan& plan, std::string hash);

// True if there is one known letter for each sector of `length`.
bool are_sectors(std::string_view sectors, std::uint64_t length);

Json to_json(const Unit& unit);
void read_json(const JsonReader& in, Unit& unit);
Json to_json(const Mapping& mapping);
void read_json(const JsonReader& in, Mapping& mapping);
Json to_json(const PlannedUnit& unit);
void read_json(const JsonReader& in, PlannedUnit& unit);
Json to_json(const RestoredBytes& restored);
void read_json(const JsonReader& in, RestoredBytes& restored);
Json to_json(const Plan& plan);
// Problems also: no unit or too many; units, or ranges of one list, that overlap or are out of order; ranges outside
// the units; bytes both lost and salvageable; file data without a mapping; no file system where there must be one.
void read_json(const JsonReader& in, Plan& plan);
Json to_json(const PlanRefusal& refusal);
void read_json(const JsonReader& in, PlanRefusal& refusal);
Json to_json(const PlanSummary& summary);
void read_json(const JsonReader& in, PlanSummary& summary);
Json to_json(const PlanBasis& basis);
void read_json(const JsonReader& in, PlanBasis& basis);

}  // namespace pmend
