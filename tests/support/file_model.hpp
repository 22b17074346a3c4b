// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/range.hpp"
#include "pmend/base/range_set.hpp"
#include "pmend/kernel/fiemap.hpp"
#include "support/content.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace pmend::world {

// What one file must be: the truth that the oracle compares with. Ranges are file offsets in bytes.
struct FileModel {
  std::vector<std::string> names;  // below the mount point, raw bytes, all hard links; the first is the main one
  ContentTag content;              // of everything that is not said otherwise below
  std::uint64_t size = 0;
  RangeSet zeros;       // holes, unwritten extents, and bytes whose loss was declared
  RangeSet unreadable;  // must give EIO: poisoned and not healed
  std::map<std::uint64_t, std::vector<std::byte>> patches;  // other bytes at these offsets (a test wrote them)

  // Taken from the file once it is built; must stay.
  ino_t inode = 0;
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::map<std::string, std::string> xattrs;
  std::vector<kernel::FileExtent> extents;

  const std::string& name() const { return names.front(); }
  // The bytes that must be read at [file_offset, file_offset + buffer.size()).
  void expected_bytes(std::span<std::byte> buffer, std::uint64_t file_offset) const;
};

}  // namespace pmend::world
