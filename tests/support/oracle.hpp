// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "medium/trace.hpp"
#include "pmend/base/range_set.hpp"
#include "support/tree.hpp"

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

// The judge: compares what is with what must be and names every difference. It knows nothing of pmend; it is told only
// by the model which bytes may be lost or unreadable.
namespace pmend::world {

enum class Wrong {
  kByte,        // other bytes than the model's: stale, moved, foreign or junk
  kLost,        // zeros where there must be data: a loss that nobody declared
  kUnreadable,  // an error where there must be data
  kReadable,    // data where the model says unreadable
  kMissing,     // a name is gone
  kExtra,       // a name that nobody made
  kInode,       // a name leads to another inode than it did
  kSize,
  kMode,
  kOwner,
  kLinkCount,
  kXattr,
  kExtents,     // a mapping moved, split, merged or changed its kind
  kStrayWrite,  // the medium saw a write or zeroing outside the allowed ranges
};

std::string to_string(Wrong wrong);

struct Difference {
  Wrong wrong = Wrong::kByte;
  std::string path;  // below the mount point; empty for the device
  ByteRange range;   // of the file, or of the device for kStrayWrite; empty where it is not about bytes
  std::string what;  // expected and found, for people
};

// gtest prints differences with this.
std::ostream& operator<<(std::ostream& out, const Difference& difference);
std::string to_string(const Difference& difference);

// Compares every file, byte by byte, once with buffered reads (what applications see) and once with direct reads (what
// the medium has; not where the file system has none, ext4 data=journal), then names, attributes and extents. Adjoining
// differences of one kind are one row. Throws Failure if it cannot look.
std::vector<Difference> compare(const Tree& tree);

// Only the bytes of one file.
std::vector<Difference> compare_content(const Tree& tree, const FileModel& file);

// Every write or zeroing in `trace` that is not wholly inside `allowed`.
std::vector<Difference> stray_writes(const std::vector<medium::TraceRecord>& trace, const RangeSet& allowed);

// The device ranges that hold neither file data nor free space: where the file system itself writes while nothing is
// allocated (superblocks, log, inodes, trees). Asks FIEMAP of every file and GETFSMAP. `device_bytes` is its size.
RangeSet metadata_ranges(const Tree& tree, std::uint64_t device_bytes);

}  // namespace pmend::world
