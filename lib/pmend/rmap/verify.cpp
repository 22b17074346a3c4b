// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/verify.hpp"

#include "pmend/base/parallel.hpp"
#include "pmend/kernel/fiemap.hpp"
#include "pmend/rmap/ext4/scan.hpp"
#include "pmend/rmap/name_check.hpp"
#include "pmend/rmap/owner_file.hpp"
#include "pmend/rmap/space_map.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

namespace pmend::rmap {
namespace {

constexpr const char* kDeleted = "deleted, but still open";

std::string name_of(const Claim& claim) {
  return "inode " + std::to_string(claim.inode);
}

// All claims of one inode.
class InodeCheck {
 public:
  InodeCheck(const OpenFs& fs, OwnerFiles& files, std::span<Claim> claims, NamesToo names, Verified& out)
      : fs_(fs), files_(files), claims_(claims), names_(names), out_(out) {}

  void run() {
    auto opened = files_.open(claims_.front().inode, claims_.front().generation);
    if (!opened) {
      return not_opened(opened.error());
    }
    owner_ = std::move(*opened);
    for (Claim& claim : claims_) {
      claim.generation = owner_.id.generation;
      claim.evidence |= kByHandle;
      check(claim);
    }
    if (names_ == NamesToo::kIfKnown && owner_.file && S_ISREG(owner_.mode) && owner_.links == 1) {
      take_known_name();
    }
  }

 private:
  void take_known_name() {
    if (auto name = known_name(fs_, owner_.file.get(), owner_.id.inode)) {
      out_.names[owner_.id.inode] = {{std::move(*name)}, kNamesByPath, 1};
    }
  }

  void not_opened(const Error& error) {
    for (Claim& claim : claims_) {
      if (owner_is_gone(error) && inode_blocks() != nullptr && inode_blocks()->hidden) {
        check_hidden(claim);
      } else if (owner_is_gone(error)) {
        fail_claim(claim, name_of(claim) + " owned it, but is gone");
      } else {
        give_up(claim, error);
      }
    }
  }

  void check(Claim& claim) {
    if (claim.data_fork && S_ISREG(owner_.mode)) {
      claim.detail = owner_.links == 0 ? kDeleted : "";
    } else if (claim.data_fork && S_ISDIR(owner_.mode)) {
      claim.kind = OwnerKind::kMetadata;
      claim.detail = "directory";
    } else if (claim.data_fork && S_ISLNK(owner_.mode)) {
      claim.kind = OwnerKind::kMetadata;
      claim.detail = "symbolic link";
    } else if (claim.data_fork) {
      claim =
          unknown_claim(claim.device_range, name_of(claim) + " is no file, but is said to have data", claim.evidence);
      out_.claims.push_back(claim);
      return;
    }
    if (claim.data_fork && owner_.file) {
      check_by_fiemap(claim);
    } else if (fs_.ext4) {
      check_by_inode(claim);
    } else {
      check_by_fsmap(claim);
    }
  }

  void check_by_fiemap(const Claim& claim) {
    const auto extents = kernel::fiemap(owner_.file.get(), {claim.file_offset, claim.device_range.length});
    if (!extents) {
      give_up(claim, extents.error());
      return;
    }
    std::uint64_t confirmed = claim.device_range.offset;
    std::vector<Claim> parts;
    for (const kernel::FileExtent& extent : *extents) {
      auto part = common_part(claim, extent);
      if (part && part->device_range.offset == confirmed) {
        confirmed = part->device_range.end();
        parts.push_back(std::move(*part));
      }
    }
    if (confirmed != claim.device_range.end()) {
      fail_claim(claim, name_of(claim) + " was found to own it, but its extents say otherwise");
      return;
    }
    std::ranges::move(parts, std::back_inserter(out_.claims));
  }

  // What of the claim this extent confirms, with the extent's flags, which are finer and newer than GETFSMAP's.
  std::optional<Claim> common_part(const Claim& claim, const kernel::FileExtent& extent) const {
    const auto range = intersect(extent.device_range(), claim.device_range);
    if (!extent.has_device_range() || !range ||
        extent.file_offset - extent.device_offset != claim.file_offset - claim.device_range.offset) {
      return std::nullopt;
    }
    Claim part = claim;
    part.file_offset += range->offset - claim.device_range.offset;
    part.device_range = *range;
    part.shared = extent.is_shared();
    part.unwritten = extent.is_unwritten();
    part.evidence |= kByFiemap;
    return part;
  }

  void check_by_fsmap(const Claim& claim) {
    // "directory" and the like are this side's words; GETFSMAP compares forks.
    Claim as_reported = claim;
    if (claim.data_fork) {
      as_reported.kind = OwnerKind::kFile;
      as_reported.detail.clear();
    }
    if (fs_.xfs && fs_.xfs->reverse_map && space_map_confirms(fs_, as_reported)) {
      out_.claims.push_back(claim);
    } else if (fs_.leased.contains(owner_.id.inode)) {
      give_up(claim, fail(Errc::kRefused, "it is under a lease").value());
    } else {
      fail_claim(claim, name_of(claim) + " was found to own it, but does not any more");
    }
  }

  // ext4 tells nobody where an inode has its extent tree and its attributes, and a file under a lease must not be
  // opened: the inode is read again.
  void check_by_inode(Claim& claim) {
    claim.evidence |= kByInodeTables;
    if (inode_has(claim)) {
      out_.claims.push_back(claim);
    } else {
      fail_claim(claim, name_of(claim) + " was found to own it, but does not any more");
    }
  }

  // Of the file system itself, like quota files: nobody can open or repair it.
  void check_hidden(Claim& claim) {
    if (!inode_has(claim)) {
      fail_claim(claim, name_of(claim) + " was found to own it, but does not any more");
      return;
    }
    claim.evidence |= kByInodeTables;
    claim.kind = OwnerKind::kMetadata;
    claim.data_fork = false;
    claim.detail = "hidden " + name_of(claim);
    claim.inode = 0;
    out_.claims.push_back(claim);
  }

  const ext4::InodeBlocks* inode_blocks() {
    if (!blocks_ && fs_.ext4) {
      blocks_ = ext4::read_blocks_of(*fs_.ext4, static_cast<std::uint32_t>(claims_.front().inode));
    }
    return blocks_ && *blocks_ ? &**blocks_ : nullptr;
  }

  bool inode_has(const Claim& claim) {
    const ext4::InodeBlocks* blocks = inode_blocks();
    const std::uint64_t block_bytes = blocks != nullptr ? blocks->block_bytes : 0;
    RangeSet confirmed;
    for (const IndexedExtent& extent : blocks != nullptr ? blocks->extents : std::vector<IndexedExtent>()) {
      const ByteRange bytes{extent.device_block * block_bytes, extent.length * block_bytes};
      const bool same_place = !claim.data_fork || extent.file_block * block_bytes - bytes.offset ==
                                                      claim.file_offset - claim.device_range.offset;
      const auto part = intersect(bytes, claim.device_range);
      if (part && same_place && extent.role == role_of(claim)) {
        confirmed.insert(*part);
      }
    }
    return confirmed.covers(claim.device_range);
  }

  static ExtentRole role_of(const Claim& claim) {
    if (claim.data_fork) {
      return ExtentRole::kData;
    }
    return claim.detail == kExtentMap ? ExtentRole::kMap : ExtentRole::kAttributes;
  }

  void fail_claim(const Claim& claim, std::string why) {
    Claim failed = claim;
    failed.detail = std::move(why);
    out_.failed.push_back(std::move(failed));
  }

  void give_up(const Claim& claim, const Error& error) {
    const std::string why = name_of(claim) + " was found to own it, but this could not be checked: " + error.message();
    out_.claims.push_back(unknown_claim(claim.device_range, why, claim.evidence));
  }

  const OpenFs& fs_;
  OwnerFiles& files_;
  std::span<Claim> claims_;
  NamesToo names_;
  Verified& out_;
  OwnerFile owner_;
  std::optional<Result<ext4::InodeBlocks>> blocks_;  // once they were read
};

// What one more thread is worth: it takes some 20 us to begin, checking an inode about as long.
constexpr std::size_t kFewestInodes = 16;

// All claims of one inode each. Sorts them.
std::vector<std::span<Claim>> by_inode(std::vector<Claim>& claims) {
  const auto inode_of = [](const Claim& claim) { return std::pair(claim.inode, claim.generation); };
  std::ranges::stable_sort(claims, {}, inode_of);
  std::vector<std::span<Claim>> groups;
  for (auto first = claims.begin(); first != claims.end();) {
    const auto last =
        std::find_if(first, claims.end(), [&](const Claim& c) { return inode_of(c) != inode_of(*first); });
    groups.emplace_back(first, last);
    first = last;
  }
  return groups;
}

Verified verify_inodes(const OpenFs& fs, std::span<const std::span<Claim>> groups, NamesToo names) {
  Verified out;
  OwnerFiles files(fs);
  for (const std::span<Claim>& group : groups) {
    if (group.front().inode == 0) {
      out.claims.insert(out.claims.end(), group.begin(), group.end());
    } else {
      InodeCheck(fs, files, group, names, out).run();
    }
  }
  return out;
}

void append(Verified& all, Verified part) {
  std::ranges::move(part.claims, std::back_inserter(all.claims));
  std::ranges::move(part.failed, std::back_inserter(all.failed));
  all.names.merge(part.names);
}

}  // namespace

Verified verify(const OpenFs& fs, std::vector<Claim> claims, NamesToo names) {
  const auto groups = by_inode(claims);
  auto parts = in_parts(groups.size(), kFewestInodes, [&](std::size_t first, std::size_t last) {
    return verify_inodes(fs, std::span(groups).subspan(first, last - first), names);
  });
  Verified all = std::move(parts.front());
  for (auto part = std::next(parts.begin()); part != parts.end(); ++part) {
    append(all, std::move(*part));
  }
  return all;
}

}  // namespace pmend::rmap
