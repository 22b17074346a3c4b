// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/unique_fd.hpp"
#include "pmend/kernel/fiemap.hpp"
#include "pmend/kernel/file_facts.hpp"
#include "pmend/model/plan.hpp"
#include "pmend/repair/place.hpp"

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// The file that a repair is for: opened by inode and generation, never by name, and looked at anew each time.
namespace pmend::repair {

enum class OpenFor { kReading, kWriting };

// Opens it so that nothing notices: no access time, no read-ahead, no breaking of a lease: one that is there is waited
// for, at most 5 s. The result is the
// only open file of it that this process gets by the call, as a lease needs it. Errors: the errno (ESTALE: no such file
// any more, ETXTBSY: running, EWOULDBLOCK: somebody holds a lease); kStale if another file answers to the handle;
// kUnsupported for other file systems than XFS and ext4, and for what is no regular file.
Result<UniqueFd> open_target(const Place& place, const FileId& file, OpenFor purpose);

// Nanoseconds, as the kernel has them.
struct FileTime {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;

  friend auto operator<=>(const FileTime&, const FileTime&) = default;
};

// All of a file that repairs look at, beside its content.
struct TargetFacts {
  dev_t device = 0;
  ino_t inode = 0;
  FileAttributes attributes;
  std::uint64_t links = 0;
  FileTime modified;
  FileTime changed;               // ctime: nobody can set it back
  std::uint64_t block_bytes = 0;  // of the file system
  kernel::FileFacts kinds;
  std::map<std::string, std::string> xattrs;  // names and values, raw
  // What a direct write must be aligned to; 0: the file takes none; nothing: the kernel does not say.
  std::optional<std::uint32_t> direct_alignment;
  std::optional<std::string> kernel_user;  // what the kernel uses the file for
  std::vector<std::string> runners;        // "PID (comm)" of who is running it
  bool write_strips_setid = false;         // this process may not keep set-user-ID bits over a write

  friend bool operator==(const TargetFacts&, const TargetFacts&) = default;
};

// Errors: the errno.
Result<TargetFacts> target_facts(const Place& place, int fd);
// Only what fstat(2) says.
Result<TargetFacts> basic_facts(int fd);

// Mode, owner and extended attributes as one SHA-256. The size goes by itself: it may grow under a file in use.
std::string attributes_digest(const TargetFacts& facts);

// SHA-256 over the mapping of these file ranges. Errors: the errno.
Result<std::string> extents_digest(int fd, const std::vector<ByteRange>& file_ranges, kernel::FiemapSync sync);

// One piece of the file that lies in one run on the device.
struct Piece {
  ByteRange file_range;
  std::uint64_t device_offset = 0;  // on the place's device
  kernel::FileExtent extent;        // that it is part of, as the file system says it

  ByteRange device_range() const { return {device_offset, file_range.length}; }
};

// The mapped pieces of a file range in order, cut to it; holes are missing. Pieces without a device range have
// `device_offset` 0 and say so by their extent. Errors: the errno.
Result<std::vector<Piece>> pieces_of(int fd, const Place& place, const ByteRange& file_range);

// Nothing if the file still has exactly these device ranges, as plain written data of its own; else what differs, for
// people. Errors: the errno.
Result<std::optional<std::string>> mapping_difference(int fd, const Place& place, const PlannedUnit& planned);

// Why the bytes of this extent are not the file's own plain data; nothing if they are.
std::optional<std::string> unusable_extent(const kernel::FileExtent& extent);

// "12 (postgres), 345 (cp)" of all that have the file open or mapped, for people.
std::string users_text(const Place& place, const TargetFacts& facts);

}  // namespace pmend::repair
