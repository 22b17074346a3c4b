// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/extent_search.hpp"

#include "pmend/kernel/fiemap.hpp"

namespace pmend::rmap {
namespace {

Claim to_claim(const kernel::FileExtent& extent, const ByteRange& part, const struct stat& status,
               const kernel::InodeId& id) {
  Claim claim;
  claim.device_range = part;
  claim.kind = S_ISREG(status.st_mode) ? OwnerKind::kFile : OwnerKind::kMetadata;
  claim.inode = id.inode;
  claim.generation = id.generation;
  claim.data_fork = true;
  claim.file_offset = extent.file_offset + (part.offset - extent.device_offset);
  claim.shared = extent.is_shared();
  claim.unwritten = extent.is_unwritten();
  claim.evidence = kByFiemap;
  return claim;
}

}  // namespace

Status ExtentSearch::ask(int fd, const struct stat& status, unsigned evidence) {
  const auto extents = kernel::fiemap(fd);
  if (!extents) {
    return tl::make_unexpected(extents.error());
  }
  std::optional<kernel::InodeId> id;
  for (const kernel::FileExtent& extent : *extents) {
    if (!extent.has_device_range() || !wanted_.overlaps(extent.device_range())) {
      continue;
    }
    if (!id) {
      const auto identity = kernel::identify(fd);
      if (!identity) {
        return tl::make_unexpected(identity.error());
      }
      id = *identity;
    }
    for (const ByteRange& part : wanted_.common(extent.device_range())) {
      claims_.push_back(to_claim(extent, part, status, *id));
      claims_.back().evidence |= evidence;
      found_.insert(part);
    }
  }
  return {};
}

RangeSet ExtentSearch::missing() const {
  RangeSet missing = wanted_;
  for (const ByteRange& range : found_.ranges()) {
    missing.erase(range);
  }
  return missing;
}

}  // namespace pmend::rmap
