// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/assemble.hpp"

#include <algorithm>
#include <array>

namespace pmend::rmap {
namespace {

struct EvidenceName {
  unsigned bit;
  const char* name;
};
constexpr std::array kEvidenceNames = {EvidenceName{kByFsmap, "getfsmap"},
                                       EvidenceName{kByFiemap, "fiemap"},
                                       EvidenceName{kByHandle, "handle"},
                                       EvidenceName{kByBulkstat, "bulkstat"},
                                       EvidenceName{kByWalk, "walk"},
                                       EvidenceName{kByOpenFiles, "open-files"},
                                       EvidenceName{kByInodeTables, "inode-tables"},
                                       EvidenceName{kByIndex, "index"},
                                       EvidenceName{kByBtrfs, "btrfs"},
                                       EvidenceName{kNamesByPath, "known-path"},
                                       EvidenceName{kNamesByParents, "parent-pointers"},
                                       EvidenceName{kNamesByHandle, "connectable-handle"},
                                       EvidenceName{kNamesByDirectory, "directory"},
                                       EvidenceName{kNamesByWalk, "name-walk"}};

Owner to_owner(const FileSystemRef& filesystem, const Claim& claim, const ByteRange& piece) {
  Owner owner;
  owner.kind = claim.kind;
  owner.filesystem = filesystem;
  if (claim.inode != 0) {
    owner.file = FileId{claim.inode, claim.generation.value_or(0)};
  }
  if (claim.kind == OwnerKind::kFile) {
    owner.file_offset = claim.file_offset + (piece.offset - claim.device_range.offset);
  }
  owner.device_range = piece;
  owner.shared = claim.shared;
  owner.unwritten = claim.unwritten;
  owner.detail = claim.detail;
  return owner;
}

// The order of owners must not depend on the order in which they were found: plans are hashed.
bool before(const Owner& a, const Owner& b) {
  return std::tuple(a.kind, a.file, a.file_offset, a.detail) < std::tuple(b.kind, b.file, b.file_offset, b.detail);
}

// True if `next` is `owner` further on.
bool continues(const Owner& owner, const Owner& next) {
  Owner expected = owner;
  expected.device_range = {owner.device_range.end(), next.device_range.length};
  if (expected.file_offset) {
    *expected.file_offset += owner.device_range.length;
  }
  return expected == next;
}

bool continues(const OwnedRange& piece, const OwnedRange& next) {
  return piece.device_range.end() == next.device_range.offset && piece.evidence == next.evidence &&
         std::ranges::equal(piece.owners, next.owners, [](const Owner& a, const Owner& b) { return continues(a, b); });
}

void append(std::vector<OwnedRange>& pieces, OwnedRange next) {
  if (pieces.empty() || !continues(pieces.back(), next)) {
    pieces.push_back(std::move(next));
    return;
  }
  OwnedRange& last = pieces.back();
  last.device_range.length += next.device_range.length;
  for (Owner& owner : last.owners) {
    owner.device_range = last.device_range;
  }
}

// One sweep over claims in order of offset; `active_` are those that reach into the current position.
class Sweep {
 public:
  Sweep(const FileSystemRef& filesystem, const std::vector<Claim>& claims, const std::string& why_unclaimed)
      : filesystem_(filesystem), claims_(claims), why_unclaimed_(why_unclaimed) {}

  void cover(const ByteRange& wanted) {
    for (std::uint64_t position = wanted.offset; position < wanted.end();) {
      advance(position);
      const std::uint64_t end = std::min(wanted.end(), next_change());
      append(pieces_, make_piece({position, end - position}));
      position = end;
    }
  }

  std::vector<OwnedRange> take() { return std::move(pieces_); }

 private:
  void advance(std::uint64_t position) {
    for (; next_ < claims_.size() && claims_[next_].device_range.offset <= position; ++next_) {
      active_.push_back(&claims_[next_]);
    }
    std::erase_if(active_, [position](const Claim* claim) { return claim->device_range.end() <= position; });
  }

  std::uint64_t next_change() const {
    std::uint64_t change = next_ < claims_.size() ? claims_[next_].device_range.offset : ~0ULL;
    for (const Claim* claim : active_) {
      change = std::min(change, claim->device_range.end());
    }
    return change;
  }

  OwnedRange make_piece(const ByteRange& range) const {
    OwnedRange piece;
    piece.device_range = range;
    unsigned evidence = 0;
    for (const Claim* claim : active_) {
      evidence |= claim->evidence;
      piece.owners.push_back(to_owner(filesystem_, *claim, range));
    }
    if (piece.owners.empty()) {
      piece.owners.push_back(to_owner(filesystem_, unknown_claim(range, why_unclaimed_), range));
    }
    std::ranges::sort(piece.owners, before);
    const auto same = std::ranges::unique(piece.owners);
    piece.owners.erase(same.begin(), same.end());
    piece.evidence = evidence_names(evidence);
    return piece;
  }

  const FileSystemRef& filesystem_;
  const std::vector<Claim>& claims_;
  const std::string& why_unclaimed_;
  std::vector<OwnedRange> pieces_;
  std::vector<const Claim*> active_;
  std::size_t next_ = 0;
};

}  // namespace

std::vector<std::string> evidence_names(unsigned evidence) {
  std::vector<std::string> names;
  names.reserve(kEvidenceNames.size());
  for (const EvidenceName& entry : kEvidenceNames) {
    if ((evidence & entry.bit) != 0) {
      names.emplace_back(entry.name);
    }
  }
  return names;
}

std::vector<OwnedRange> assemble(const FileSystemRef& filesystem, const RangeSet& wanted, std::vector<Claim> claims,
                                 const std::string& why_unclaimed) {
  std::ranges::sort(claims, {}, [](const Claim& claim) { return claim.device_range.offset; });
  Sweep sweep(filesystem, claims, why_unclaimed);
  for (const ByteRange& range : wanted.ranges()) {
    sweep.cover(range);
  }
  return sweep.take();
}

}  // namespace pmend::rmap
