// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace pmend::disk {

// What one file says of one block.
struct BlockOwner {
  std::uint64_t inode = 0;
  std::uint64_t file_offset = 0;
  bool directory = false;
  bool unwritten = false;
  bool shared = false;

  friend auto operator<=>(const BlockOwner&, const BlockOwner&) = default;
};

// For gtest.
inline std::ostream& operator<<(std::ostream& out, const BlockOwner& owner) {
  return out << "inode " << owner.inode << " at " << owner.file_offset << (owner.directory ? " directory" : "")
             << (owner.unwritten ? " unwritten" : "") << (owner.shared ? " shared" : "");
}

inline constexpr std::uint64_t kOracleBlock = 4096;

// Device offset of a block -> all that have it. Asks FIEMAP of every file and, where it works, every directory below
// `root`, with code of its own: nothing of pmend is in it.
using BlockOwners = std::map<std::uint64_t, std::set<BlockOwner>>;
BlockOwners ask_every_file(const std::string& root, std::uint64_t block_bytes = kOracleBlock);

// Where one file lies, in order of file offset.
std::vector<ByteRange> device_ranges(const std::string& path);
// The block of the extended attributes that are not in the inode.
std::vector<ByteRange> attribute_ranges(const std::string& path);

}  // namespace pmend::disk
