// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/btrfs_owners.hpp"

#include "pmend/base/text.hpp"
#include "pmend/kernel/btrfs.hpp"
#include "pmend/rmap/assemble.hpp"
#include "pmend/rmap/btrfs_places.hpp"
#include "pmend/rmap/claim.hpp"

#include <climits>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace pmend::rmap {
namespace {

// The smallest that btrfs has, whatever the page size; a block of more is asked for several times.
constexpr std::uint64_t kBlockBytes = 4096;
constexpr std::size_t kMostBlocksAsked = 65'536;
// The super block and its copies (fs/btrfs/disk-io.h), which are in no chunk; nothing else is below the first MiB.
constexpr ByteRange kReserved{0, 1U << 20U};
constexpr ByteRange kSuperBlocks[] = {
    {64U << 10U, 4096}, {std::uint64_t{64} << 20U, 4096}, {std::uint64_t{256} << 30U, 4096}};

using InodeKey = std::pair<std::string, std::uint64_t>;  // Owner::detail, number

std::string subvolume_text(std::uint64_t subvolume) {
  return "subvolume " + std::to_string(subvolume);
}

Claim claim_of(OwnerKind kind, const ByteRange& range, std::string detail) {
  Claim claim = unknown_claim(range, std::move(detail), kByBtrfs);
  claim.kind = kind;
  return claim;
}

// The names of inodes as the mount point shows them.
class BtrfsNames {
 public:
  explicit BtrfsNames(int top) : top_(top) {}

  void look_up(const kernel::BtrfsReference& reference) {
    const InodeKey key(subvolume_text(reference.subvolume), reference.inode);
    const auto [entry, is_new] = names_.try_emplace(key);
    const Subvolume& subvolume = open(reference.subvolume);
    const auto paths = is_new && subvolume.fd ? kernel::btrfs_paths(subvolume.fd.get(), reference.inode)
                                              : Result<std::vector<std::string>>();
    for (const std::string& path : paths ? *paths : std::vector<std::string>()) {
      const std::string whole = subvolume.path + "/" + path;
      struct stat status = {};
      if (lstat(whole.c_str(), &status) == 0 && status.st_ino == reference.inode && status.st_dev == subvolume.device) {
        entry->second.push_back(whole);
      }
    }
    std::ranges::sort(entry->second);
  }

  void add_to(Owner& owner) const {
    const auto found = owner.file ? names_.find({owner.detail, owner.file->inode}) : names_.end();
    for (const std::string& path : found == names_.end() ? std::vector<std::string>() : found->second) {
      owner.paths.push_back({path});
    }
  }

 private:
  struct Subvolume {
    UniqueFd fd;
    dev_t device = 0;  // of its files
    std::string path;  // of its top directory; does not exist where the mount shows another part of the file system
  };

  const Subvolume& open(std::uint64_t id) {
    const auto [entry, is_new] = subvolumes_.try_emplace(id);
    auto fd = is_new ? kernel::open_btrfs_subvolume(top_, id) : tl::make_unexpected(Error());
    struct stat status = {};
    if (fd && fstat(fd->get(), &status) == 0) {
      char path[PATH_MAX];
      const ssize_t size = readlink(("/proc/self/fd/" + std::to_string(fd->get())).c_str(), path, sizeof path);
      entry->second = {std::move(*fd), status.st_dev, std::string(path, size > 0 ? static_cast<std::size_t>(size) : 0)};
    }
    return entry->second;
  }

  int top_;
  std::map<std::uint64_t, Subvolume> subvolumes_;
  std::map<InodeKey, std::vector<std::string>> names_;
};

class BtrfsSearch {
 public:
  BtrfsSearch(int top, const ResolveOptions& options) : top_(top), options_(options), names_(top) {}

  // Claims for all of `wanted` that lies in chunks or is reserved.
  Result<std::vector<Claim>> run(std::uint64_t device_id, const RangeSet& wanted) {
    const auto extents = kernel::btrfs_device_extents(top_, device_id);
    if (!extents) {
      return tl::make_unexpected(extents.error());
    }
    for (const ByteRange& super : kSuperBlocks) {
      claim_all(wanted.common(super), OwnerKind::kMetadata, "super block");
    }
    RangeSet rest = wanted;
    for (const ByteRange& super : kSuperBlocks) {
      rest.erase(super);
    }
    claim_all(rest.common(kReserved), OwnerKind::kMetadata, "reserved");
    rest.erase(kReserved);
    for (const kernel::BtrfsDeviceExtent& extent : *extents) {
      for (const ByteRange& range : rest.common(extent.device_range)) {
        search_chunk(extent, range);
      }
      rest.erase(extent.device_range);
    }
    claim_all(rest.ranges(), OwnerKind::kFree, "in no chunk");
    return std::move(claims_);
  }

  const BtrfsNames& names() const { return names_; }

 private:
  void claim_all(const std::vector<ByteRange>& ranges, OwnerKind kind, const std::string& detail) {
    for (const ByteRange& range : ranges) {
      claims_.push_back(claim_of(kind, range, detail));
    }
  }

  void search_chunk(const kernel::BtrfsDeviceExtent& extent, const ByteRange& range) {
    const auto found = chunks_.find(extent.chunk);
    const auto chunk =
        found == chunks_.end() ? chunks_.emplace(extent.chunk, kernel::btrfs_chunk(top_, extent.chunk)).first : found;
    if (!chunk->second) {
      claims_.push_back(claim_of(OwnerKind::kUnknown, range, chunk->second.error().message()));
    } else if (chunk->second->use == kernel::BtrfsChunkUse::kMetadata) {
      claims_.push_back(claim_of(OwnerKind::kMetadata, range, "in a chunk of trees"));
    } else if (chunk->second->striped) {
      claims_.push_back(claim_of(OwnerKind::kUnknown, range, "in a chunk that is striped over several devices"));
    } else {
      search_blocks(extent, range);
    }
  }

  void search_blocks(const kernel::BtrfsDeviceExtent& extent, const ByteRange& range) {
    for (std::uint64_t at = range.offset; at < range.end();) {
      // Counted from the chunk: its place on the device need not be a multiple of anything.
      const std::uint64_t in_chunk = at - extent.device_range.offset;
      const ByteRange block = round_out({in_chunk, 1}, kBlockBytes);
      const ByteRange piece{at, std::min(range.end(), extent.device_range.offset + block.end()) - at};
      if (asked_ == kMostBlocksAsked || (options_.stop && options_.stop())) {
        claims_.push_back(
            claim_of(OwnerKind::kUnknown, {at, range.end() - at}, "too much for one question: ask for less"));
        return;
      }
      ++asked_;
      search_block(extent.chunk + block.offset, in_chunk - block.offset, piece);
      at = piece.end();
    }
  }

  void search_block(std::uint64_t logical, std::uint64_t within, const ByteRange& piece) {
    const auto references = kernel::btrfs_references(top_, logical);
    if (!references) {
      // EINVAL: in a mixed chunk, a block of a tree.
      const bool tree = references.error().is_errno(EINVAL);
      claims_.push_back(claim_of(tree ? OwnerKind::kMetadata : OwnerKind::kUnknown, piece,
                                 tree ? "block of a tree" : references.error().message()));
      return;
    }
    if (references->empty()) {
      claims_.push_back(claim_of(OwnerKind::kFree, piece, "no file has it"));
    }
    for (const kernel::BtrfsReference& reference : *references) {
      Claim claim = claim_of(OwnerKind::kFile, piece, subvolume_text(reference.subvolume));
      claim.inode = reference.inode;
      claim.data_fork = true;
      claim.file_offset = reference.file_offset + within;
      claim.shared = references->size() > 1;
      claims_.push_back(std::move(claim));
      names_.look_up(reference);
    }
  }

  int top_;
  const ResolveOptions& options_;
  BtrfsNames names_;
  std::map<std::uint64_t, Result<kernel::BtrfsChunk>> chunks_;
  std::vector<Claim> claims_;
  std::size_t asked_ = 0;
};

}  // namespace

Result<std::vector<OwnedRange>> resolve_btrfs(const MountedFileSystem& fs, const RangeSet& wanted,
                                              const ResolveOptions& options) {
  const auto top = open_btrfs(fs);
  const auto device_id = top ? btrfs_device_id(fs, top->get()) : tl::make_unexpected(top.error());
  if (!device_id) {
    return tl::make_unexpected(device_id.error());
  }
  BtrfsSearch search(top->get(), options);
  auto claims = search.run(*device_id, wanted);
  if (!claims) {
    return tl::make_unexpected(claims.error());
  }
  auto pieces = assemble(fs.ref, wanted, std::move(*claims), "btrfs does not say anything of this range");
  for (OwnedRange& piece : pieces) {
    for (Owner& owner : piece.owners) {
      search.names().add_to(owner);
    }
  }
  return pieces;
}

}  // namespace pmend::rmap
