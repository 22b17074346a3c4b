// SPDX-License-Identifier: Apache-2.0
#include "pmend/rmap/space_map.hpp"

#include "pmend/base/parallel.hpp"
#include "pmend/kernel/getfsmap.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <optional>
#include <span>
#include <vector>

namespace pmend::rmap {
namespace {

// A question is cut into pieces of this size, so that its answer stays small whoever asks for a whole disk.
constexpr std::uint64_t kQuestionBytes = 256ULL << 20U;
// What one more thread is worth: it takes some 20 us to begin, a small question about half as long.
constexpr std::size_t kFewestRanges = 32;

std::string fork_name(const kernel::FsmapRecord& record) {
  if (record.is_extent_map()) {
    return record.is_attribute_fork() ? "extent map of extended attributes" : kExtentMap;
  }
  return record.is_attribute_fork() ? kExtendedAttributes : "";
}

Claim to_claim(const kernel::FsmapRecord& record, const ByteRange& part) {
  Claim claim;
  claim.device_range = part;
  claim.evidence = kByFsmap;
  if (record.is_special()) {
    claim.kind = record.is_free() ? OwnerKind::kFree : OwnerKind::kMetadata;
    claim.detail = kernel::special_owner_name(record.owner);
    return claim;
  }
  claim.inode = record.owner;
  claim.detail = fork_name(record);
  claim.data_fork = claim.detail.empty();
  claim.kind = claim.data_fork ? OwnerKind::kFile : OwnerKind::kMetadata;
  claim.shared = record.is_shared();
  claim.unwritten = claim.data_fork && record.is_unwritten();
  if (claim.data_fork) {
    claim.file_offset = record.file_offset + (part.offset - record.device_offset);
  }
  return claim;
}

// The part of a question of which GETFSMAP may leave something out.
std::optional<ByteRange> may_leave_out(const OpenFs& fs, const ByteRange& question) {
  if (!fs.xfs) {
    return question;
  }
  return fs.xfs->reverse_map ? std::nullopt : intersect(question, {0, fs.xfs->data_blocks * fs.xfs->block_bytes});
}

void add_records(const OpenFs& fs, const ByteRange& question, SpaceMap& map) {
  const auto records = kernel::getfsmap(fs.root.get(), question);
  if (!records && fs.xfs) {
    map.claims.push_back(unknown_claim(question, records.error().message()));
    return;
  }
  if (!records) {
    map.undecided.insert(question);  // one damaged bitmap makes ext4 fail for all; the inodes know of all but that
    return;
  }
  RangeSet told;
  for (const kernel::FsmapRecord& record : *records) {
    const auto part = intersect(record.device_range(), question);
    // Offsets of another device of the same file system are numbers of another space.
    if (!part || record.device != fs.mounted.device) {
      continue;
    }
    told.insert(*part);
    if (record.is_unknown()) {
      map.undecided.insert(*part);
    } else {
      map.claims.push_back(to_claim(record, *part));
    }
  }
  // Silence does not mean free: ext4 leaves out some used extents (seen on Linux 6.18), and XFS without rmapbt says
  // nothing of a range that lies inside of a used one (seen on Linux 6.1).
  const auto part = may_leave_out(fs, question);
  for (const ByteRange& silent : part ? told.missing(*part) : std::vector<ByteRange>()) {
    map.undecided.insert(silent);
  }
}

// Until there are too many claims of all who count them together.
SpaceMap read_ranges(const OpenFs& fs, std::span<const ByteRange> ranges, std::atomic<std::size_t>& claims) {
  SpaceMap map;
  for (const ByteRange& range : ranges) {
    for (std::uint64_t done = 0; done < range.length && claims <= kMaxClaims; done += kQuestionBytes) {
      const std::size_t before = map.claims.size();
      add_records(fs, {range.offset + done, std::min(kQuestionBytes, range.length - done)}, map);
      claims += map.claims.size() - before;
    }
  }
  return map;
}

bool same_owner(const Claim& a, const Claim& b) {
  return a.kind == b.kind && a.inode == b.inode && a.data_fork == b.data_fork && a.detail == b.detail &&
         (!a.data_fork || a.file_offset - a.device_range.offset == b.file_offset - b.device_range.offset);
}

}  // namespace

Result<SpaceMap> read_space_map(const OpenFs& fs, const RangeSet& wanted) {
  const std::vector<ByteRange> ranges = wanted.ranges();
  std::atomic<std::size_t> claims = 0;
  auto parts = in_parts(ranges.size(), kFewestRanges, [&](std::size_t first, std::size_t last) {
    return read_ranges(fs, std::span(ranges).subspan(first, last - first), claims);
  });
  SpaceMap all = std::move(parts.front());
  for (auto part = std::next(parts.begin()); part != parts.end(); ++part) {
    std::ranges::move(part->claims, std::back_inserter(all.claims));
    for (const ByteRange& range : part->undecided.ranges()) {
      all.undecided.insert(range);
    }
  }
  if (all.claims.size() > kMaxClaims) {
    return fail(Errc::kRefused, "the ranges have too many owners for one answer");
  }
  return all;
}

bool space_map_confirms(const OpenFs& fs, const Claim& claim) {
  SpaceMap map;
  add_records(fs, claim.device_range, map);
  RangeSet confirmed;
  for (const Claim& now : map.claims) {
    if (same_owner(now, claim)) {
      confirmed.insert(now.device_range);
    }
  }
  return confirmed.covers(claim.device_range);
}

}  // namespace pmend::rmap
