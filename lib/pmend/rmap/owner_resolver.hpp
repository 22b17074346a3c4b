// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pmend/base/error.hpp"
#include "pmend/base/range.hpp"
#include "pmend/model/observe_verbs.hpp"
#include "pmend/model/owner.hpp"
#include "pmend/rmap/index_cache.hpp"

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// The reverse map: who owns these bytes of the block device of a mounted file system?
namespace pmend::rmap {

struct MountedFileSystem {
  FileSystemRef ref;  // with the mount point to work through
  dev_t device = 0;   // st_dev of its files, which for XFS and ext4 is its (data) device
  std::string node;   // of that device; empty: not known, which makes ext4 slow; btrfs needs it
};

// A piece of a range that was asked for, cut where the owners change.
struct OwnedRange {
  ByteRange device_range;
  std::vector<Owner> owners;          // at least one; several where an extent is shared
  std::vector<std::string> evidence;  // how they are known: "getfsmap", "fiemap", "handle", "walk", …

  friend bool operator==(const OwnedRange&, const OwnedRange&) = default;
};

// Ways to find out who owns what GETFSMAP may not know, and to find names. Which of them serve depends on the file
// system; the first that does is taken.
enum class OwnerMethod { kSpaceMap, kInodeTables, kBulkstat, kTreeWalk };
enum class NameMethod { kPath, kParentPointers, kConnectableHandle, kDirectory, kTreeWalk };

struct ResolveOptions {
  std::vector<protocol::Fact> facts;  // names, attributes, open-by, xattrs; phantom is not about owners
  // Asked now and then in a walk over the tree; true ends the walk and leaves the rest unknown, saying so.
  std::function<bool()> stop;
  // XFS names the owner of freed blocks for some 10 ms more; so an owner that is gone is looked for once again.
  std::chrono::milliseconds retry_delay{30};
  std::chrono::milliseconds names_limit{60'000};  // how long to walk for names; those found until then count
  std::string proc = "/proc";
  // For tests: this way alone, and an unknown owner or no name where it does not lead to any. Not for btrfs.
  std::optional<OwnerMethod> only_owners_by;
  std::optional<NameMethod> only_names_by;
};

// Reads metadata and mappings, never the data of a file, and changes nothing. Blocks on the file system's metadata I/O
// and, where the file system cannot say who owns what (ext4, XFS without rmapbt) and the index that was kept does not
// know or is wrong, for reading all its inodes. Not for an event loop.
class OwnerResolver {
 public:
  virtual ~OwnerResolver() = default;

  // `ranges` are bytes of fs.device, in any order; overlaps count once. The answer covers them all, in order. Every
  // owner with an inode was opened by its handle and confirmed to have these very bytes now. What could not be found
  // out is an owner of kind unknown with the reason; nothing is guessed.
  // Errors: the errno of opening the mount point; kStale if it is not, or no longer, that file system; kRefused if the
  // ranges have more pieces than fit into one answer.
  virtual Result<std::vector<OwnedRange>> resolve(const MountedFileSystem& fs, const std::vector<ByteRange>& ranges,
                                                  const ResolveOptions& options) = 0;
};

// Makes the index of the file system anew, for the next question. Blocks on reading all inodes. Errors: as resolve();
// kUnsupported where none is needed or kept.
Status refresh_index(const MountedFileSystem& fs, const IndexOptions& index, const ResolveOptions& options);

// Indexes are kept between questions as the options say.
std::unique_ptr<OwnerResolver> make_owner_resolver(IndexOptions index = {});

}  // namespace pmend::rmap
