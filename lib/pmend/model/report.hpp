// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/model/decision.hpp"
#include "pmend/model/enum_names.hpp"
#include "pmend/model/file_path.hpp"
#include "pmend/model/incident.hpp"
#include "pmend/model/plan.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What a job leaves behind for people: exactly which bytes were lost, saved and restored, and the evidence.
namespace pmend {

// Evidence collected by a job. A success code of a system call is not in it.
struct Proof {
  // The error is no longer listed, on the device and on its region. After an exchange the block may stay in quarantine.
  bool badblocks_clear = false;
  bool read_back = false;                     // cached and direct reads gave the plan's bytes
  bool neighbours_unchanged = false;          // the units before and after hold what they held
  std::optional<std::string> extents_before;  // SHA-256 of the file's mapping, null where there is no file
  std::optional<std::string> extents_after;
  bool attributes_unchanged = false;  // mode, owner, size and extended attributes

  friend bool operator==(const Proof&, const Proof&) = default;
};

// One run of bytes of a file, or of a device where there is no file.
struct ManifestRange {
  std::vector<FilePath> paths;  // filled in by pmend from the incident's owners, empty in messages of workers
  std::optional<std::uint64_t> inode;
  std::optional<std::uint64_t> file_offset;
  ByteRange device_range;  // JSON: members device_offset and length

  friend bool operator==(const ManifestRange&, const ManifestRange&) = default;
};

enum class SavedFrom { kPageCache, kSectors, kHook };
inline constexpr std::array kSavedFromNames = {EnumName{SavedFrom::kPageCache, "page-cache"},
                                               EnumName{SavedFrom::kSectors, "sectors"},
                                               EnumName{SavedFrom::kHook, "hook"}};
constexpr std::span<const EnumName<SavedFrom>> enum_names(SavedFrom) {
  return kSavedFromNames;
}

struct SavedRange {
  ManifestRange range;  // JSON: its members
  SavedFrom from = SavedFrom::kSectors;

  friend bool operator==(const SavedRange&, const SavedRange&) = default;
};

struct LossManifest {
  std::vector<ManifestRange> lost;   // now zeros
  std::vector<SavedRange> salvaged;  // from page cache or sectors
  std::vector<SavedRange> restored;  // from a hook
  std::vector<Unit> units;           // what was done

  friend bool operator==(const LossManifest&, const LossManifest&) = default;
};

// The answer to `pmendctl report --format json`, with its version: the contract of DESIGN.md section 7.
struct Report {
  Incident incident;
  LossManifest manifest;  // JSON: its members
  std::optional<Approval> approval;
  std::optional<Proof> proof;

  friend bool operator==(const Report&, const Report&) = default;
};

Json to_json(const Proof& proof);
void read_json(const JsonReader& in, Proof& proof);
Json to_json(const ManifestRange& range);
void read_json(const JsonReader& in, ManifestRange& range);
Json to_json(const SavedRange& range);
void read_json(const JsonReader& in, SavedRange& range);
Json to_json(const LossManifest& manifest);
void read_json(const JsonReader& in, LossManifest& manifest);
Json to_json(const Report& report);
void read_json(const JsonReader& in, Report& report);

}  // namespace pmend
