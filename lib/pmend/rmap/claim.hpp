// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/kernel/handles.hpp"
#include "pmend/model/owner.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pmend::rmap {

// Where a claim comes from and what confirmed it: bits of Claim::evidence.
inline constexpr unsigned kByFsmap = 1U << 0U;
inline constexpr unsigned kByFiemap = 1U << 1U;
inline constexpr unsigned kByHandle = 1U << 2U;
inline constexpr unsigned kByBulkstat = 1U << 3U;
inline constexpr unsigned kByWalk = 1U << 4U;
inline constexpr unsigned kByOpenFiles = 1U << 5U;
inline constexpr unsigned kByInodeTables = 1U << 6U;
inline constexpr unsigned kByIndex = 1U << 7U;
inline constexpr unsigned kByBtrfs = 1U << 8U;
// How names were found.
inline constexpr unsigned kNamesByParents = 1U << 9U;
inline constexpr unsigned kNamesByHandle = 1U << 10U;
inline constexpr unsigned kNamesByDirectory = 1U << 11U;
inline constexpr unsigned kNamesByWalk = 1U << 12U;
inline constexpr unsigned kNamesByPath = 1U << 13U;

// Details of claims without contents.
inline constexpr const char* kFreeSpace = "free space";
inline constexpr const char* kFreeOrDamaged =
    "free as the block bitmap says, but some inodes of this file system are damaged, and one of them may have it";
inline constexpr const char* kExtentMap = "extent map";
inline constexpr const char* kExtendedAttributes = "extended attributes";

// "getfsmap", "fiemap", …
std::vector<std::string> evidence_names(unsigned evidence);

// What one source says of a device range. Claims with an inode are believed only after verify().
struct Claim {
  ByteRange device_range;
  OwnerKind kind = OwnerKind::kUnknown;
  std::uint64_t inode = 0;                  // 0: belongs to none
  std::optional<std::uint32_t> generation;  // unknown until the handle was looked up
  bool data_fork = false;                   // contents of the inode, not its attributes or its extent map
  std::uint64_t file_offset = 0;            // with data_fork: of the byte at device_range.offset
  bool shared = false;
  bool unwritten = false;
  std::string detail;
  unsigned evidence = 0;
};

// More claims than this do not fit into one answer.
inline constexpr std::size_t kMaxClaims = 100'000;

inline Claim unknown_claim(const ByteRange& device_range, std::string why, unsigned evidence = 0) {
  Claim claim;
  claim.device_range = device_range;
  claim.detail = std::move(why);
  claim.evidence = evidence;
  return claim;
}

}  // namespace pmend::rmap
