// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/frozen_target.hpp"

#include "pmend/base/text.hpp"
#include "pmend/repair/gates.hpp"
#include "pmend/repair/page_view.hpp"
#include "pmend/repair/sectors.hpp"

#include <fcntl.h>

#include <algorithm>

namespace pmend::repair {
namespace {

// A file in use may be written to while it is compared with the device.
constexpr int kLooks = 5;

// What one file has of a unit.
struct Share {
  const TargetFile* file = nullptr;
  Mapping mapping;
  bool unwritten = false;
  std::vector<PageView> pages;  // none of an unwritten extent: it reads as zeros whatever the device holds

  ByteRange file_range() const { return {mapping.file_offset, mapping.device_range.length}; }
  // Where a byte of the device lies in the file; nothing where it holds no data of it.
  std::optional<std::uint64_t> data_at(std::uint64_t device_offset) const {
    const std::uint64_t in_file = mapping.file_offset + (device_offset - mapping.device_range.offset);
    const bool data =
        mapping.device_range.contains(device_offset) && !unwritten && in_file < file->facts.attributes.size;
    return data ? std::optional(in_file) : std::nullopt;
  }
};

Ending target_changed(std::string reason) {
  return {Outcome::kTargetChanged, std::move(reason)};
}

tl::expected<Share, Ending> share_of(const Place& place, const TargetFiles& files, const Mapping& mapping) {
  Share share{&file_of(files, mapping.file), mapping, false, {}};
  const auto pieces = pieces_of(share.file->fd.get(), place, share.file_range());
  if (!pieces) {
    return tl::make_unexpected(before_change(pieces.error()));
  }
  const bool same = pieces->size() == 1 && pieces->front().file_range == share.file_range() &&
                    pieces->front().extent.has_device_range() && pieces->front().device_range() == mapping.device_range;
  if (!same) {
    return tl::make_unexpected(target_changed("inode " + std::to_string(mapping.file.inode) + ": file range " +
                                              to_string(share.file_range()) + " lies elsewhere now"));
  }
  share.unwritten = pieces->front().extent.is_unwritten();
  if (share.unwritten) {
    return share;
  }
  const ByteRange whole = round_out(share.file_range(), kPageBytes);
  for (std::uint64_t at = whole.offset; at < whole.end(); at += kPageBytes) {
    auto view = view_page(share.file->fd.get(), at, place.read_limit);
    if (!view) {
      return tl::make_unexpected(before_change(view.error()));
    }
    share.pages.push_back(std::move(*view));
  }
  return share;
}

tl::expected<std::vector<Share>, Ending> shares_of(const Place& place, const TargetFiles& files,
                                                   const PlannedUnit& planned) {
  std::vector<Share> shares;
  for (const Mapping& mapping : planned.mappings) {
    auto share = share_of(place, files, mapping);
    if (!share) {
      return tl::make_unexpected(share.error());
    }
    shares.push_back(std::move(*share));
  }
  return shares;
}

// What the page caches have of one sector.
struct CachedSector {
  bool data = false;     // some file has data there
  std::size_t with = 0;  // files that have it in the page cache
  std::size_t without = 0;
  const std::byte* bytes = nullptr;
  std::optional<std::string> obstacle;
};

void add_cached(const Share& share, std::uint64_t in_file, CachedSector& sector) {
  sector.data = true;
  const auto page = std::find_if(share.pages.begin(), share.pages.end(),
                                 [in_file](const PageView& view) { return view.file_range.contains(in_file); });
  if (page == share.pages.end() || page->state == CacheState::kAbsent) {
    ++sector.without;
    return;
  }
  if (page->state == CacheState::kPartly) {
    sector.obstacle =
        "the page cache has the only copy of these bytes in a page that is not valid as a whole: a program that reads "
        "the file and replaces it saves them";
    return;
  }
  const std::byte* bytes = page->bytes.data() + (in_file - page->file_range.offset);
  if (sector.bytes != nullptr && !std::equal(bytes, bytes + kSectorBytes, sector.bytes)) {
    sector.obstacle = "files that share the extent have different bytes of it in the page cache";
  }
  sector.bytes = bytes;
  ++sector.with;
}

CachedSector cached_sector(const std::vector<Share>& shares, std::uint64_t device_offset) {
  CachedSector sector;
  for (const Share& share : shares) {
    if (const auto in_file = share.data_at(device_offset); in_file && !sector.obstacle) {
      add_cached(share, *in_file, sector);
    }
  }
  // A write that failed may have left bytes in one cache that were never meant for a shared extent.
  if (!sector.obstacle && sector.with > 0 && sector.without > 0) {
    sector.obstacle =
        "only some of the files that share the extent have it in the page cache, and nobody knows whether these are "
        "its bytes: a copy of such a file saves them";
  }
  return sector;
}

// Why the page would not be read back although the unit is right: it holds other bad sectors.
Result<bool> shares_page_with_others(const Place& place, const Share& share, const RangeSet& listed) {
  const auto pieces = pieces_of(share.file->fd.get(), place, round_out(share.file_range(), kPageBytes));
  if (!pieces) {
    return tl::make_unexpected(pieces.error());
  }
  return std::any_of(pieces->begin(), pieces->end(), [&listed](const Piece& piece) {
    return piece.extent.has_device_range() && listed.overlaps(piece.device_range());
  });
}

// Whether the file reads what the device has, up to its end.
Result<bool> reads_as_device(const UnitWork& work, const Share& share, const SectorsRead& device, const RangeSet& bad) {
  if (share.unwritten) {
    return true;
  }
  const auto cached = read_as_applications(share.file->fd.get(), share.file_range(), work.place.read_limit);
  if (!cached) {
    return tl::make_unexpected(cached.error());
  }
  if (!*cached) {
    return shares_page_with_others(work.place, share, bad);
  }
  const std::uint64_t size = share.file->facts.attributes.size;
  const std::uint64_t data =
      std::min<std::uint64_t>((*cached)->size(), size - std::min(size, share.mapping.file_offset));
  const auto from = device.bytes.begin() +
                    static_cast<std::ptrdiff_t>(share.mapping.device_range.offset - device.device_range.offset);
  return std::equal((*cached)->begin(), (*cached)->begin() + static_cast<std::ptrdiff_t>(data), from);
}

Result<bool> all_read_as_device(const UnitWork& work, const std::vector<Share>& shares, const SectorsRead& device,
                                const RangeSet& bad) {
  for (const Share& share : shares) {
    const auto same = reads_as_device(work, share, device, bad);
    if (!same || !*same) {
      return same;
    }
  }
  return true;
}

// What a file shows beside what the device has, without being newer, was read while the device had something else.
void drop_clean_pages(const std::vector<Share>& shares) {
  for (const Share& share : shares) {
    const ByteRange pages = round_out(share.file_range(), kPageBytes);
    (void)posix_fadvise(share.file->fd.get(), static_cast<off_t>(pages.offset), static_cast<off_t>(pages.length),
                        POSIX_FADV_DONTNEED);  // advice; whoever compares again finds out
  }
}

// The bad sectors as bad as before, the good ones with the same bytes.
bool is_as_before(const UnitWork& work, const SectorsRead& read) {
  const std::string& sectors = work.before().unit.sectors;
  for (std::size_t i = 0; i < sectors.size(); ++i) {
    const auto at = static_cast<std::ptrdiff_t>(i * kSectorBytes);
    const bool was_good = sectors[i] == kSectorGood;
    if (read.readable[i] != was_good ||
        (was_good &&
         !std::equal(work.rebuilt.begin() + at, work.rebuilt.begin() + at + kSectorBytes, read.bytes.begin() + at))) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<TargetFiles> open_files(const Place& place, const std::vector<PlannedUnit>& units) {
  TargetFiles files;
  for (const PlannedUnit& planned : units) {
    for (const Mapping& mapping : planned.mappings) {
      const bool open = std::any_of(files.begin(), files.end(),
                                    [&mapping](const TargetFile& file) { return file.id == mapping.file; });
      if (open) {
        continue;
      }
      auto fd = open_target(place, mapping.file, OpenFor::kReading);
      if (!fd) {
        return tl::make_unexpected(fd.error());
      }
      auto facts = target_facts(place, fd->get());
      if (!facts) {
        return tl::make_unexpected(facts.error());
      }
      files.push_back({mapping.file, std::move(*fd), std::move(*facts)});
    }
  }
  return files;
}

const TargetFile& file_of(const TargetFiles& files, const FileId& id) {
  return *std::find_if(files.begin(), files.end(), [&id](const TargetFile& file) { return file.id == id; });
}

std::optional<std::string> forbidden_files(const TargetFiles& files) {
  for (const TargetFile& file : files) {
    if (auto reason = forbidden_content(file.facts)) {
      return reason;
    }
  }
  return std::nullopt;
}

tl::expected<FrozenLook, Ending> look_at_frozen(const Place& place, const TargetFiles& files,
                                                const PlannedUnit& planned) {
  const ByteRange& unit = planned.unit.device_range;
  const auto shares = shares_of(place, files, planned);
  if (!shares) {
    return tl::make_unexpected(shares.error());
  }
  const auto device = read_sectors(place, unit);
  if (!device) {
    return tl::make_unexpected(before_change(device.error()));
  }
  FrozenLook look{std::string(device->readable.size(), kSectorGood), device->bytes};
  for (std::size_t i = 0; i < look.sectors.size(); ++i) {
    const CachedSector cached = cached_sector(*shares, unit.offset + i * kSectorBytes);
    const auto at = static_cast<std::ptrdiff_t>(i * kSectorBytes);
    if (device->readable[i]) {
      const bool same =
          cached.bytes == nullptr || std::equal(cached.bytes, cached.bytes + kSectorBytes, device->bytes.begin() + at);
      look.cache_is_newer = look.cache_is_newer || !same;
      continue;
    }
    if (cached.obstacle) {
      return tl::make_unexpected(Ending{Outcome::kRefused, *cached.obstacle});
    }
    look.sectors[i] = !cached.data ? kSectorUnused : cached.bytes != nullptr ? kSectorCached : kSectorLost;
    if (cached.bytes != nullptr) {
      std::copy_n(cached.bytes, kSectorBytes, look.bytes.begin() + at);
    }
  }
  return look;
}

std::vector<kernel::FileMapping> pin_cached(const TargetFiles& files, const PlannedUnit& planned) {
  std::vector<kernel::FileMapping> pinned;
  for (const Mapping& mapping : planned.mappings) {
    if (file_of(files, mapping.file).facts.kinds.dax) {
      continue;  // it has no page cache, and its bad page is never mapped
    }
    const ByteRange pages = round_out({mapping.file_offset, mapping.device_range.length}, kPageBytes);
    auto mapped =
        kernel::FileMapping::create(file_of(files, mapping.file).fd.get(), pages, kernel::FileMapping::Access::kRead);
    const auto resident = mapped ? mapped->resident() : tl::make_unexpected(mapped.error());
    for (std::size_t i = 0; resident && i < resident->size(); ++i) {
      if ((*resident)[i]) {
        (void)mapped->pin({pages.offset + i * kPageBytes, kPageBytes});  // as the header says
      }
    }
    if (mapped) {
      pinned.push_back(std::move(*mapped));
    }
  }
  return pinned;
}

Result<FrozenFacts> frozen_facts(const Place& place, const TargetFiles& files, const std::vector<PlannedUnit>& units) {
  FrozenFacts facts;
  std::string attributes;
  for (const TargetFile& file : files) {
    const auto now = target_facts(place, file.fd.get());
    if (!now) {
      return tl::make_unexpected(now.error());
    }
    attributes += attributes_digest(*now) + "\n";
    facts.changed = std::max(facts.changed, now->changed);
  }
  std::string extents;
  for (const PlannedUnit& planned : units) {
    for (const Mapping& mapping : planned.mappings) {
      const auto digest = extents_digest(file_of(files, mapping.file).fd.get(),
                                         {{mapping.file_offset, mapping.device_range.length}}, kernel::FiemapSync::kNo);
      if (!digest) {
        return tl::make_unexpected(digest.error());
      }
      extents += *digest + "\n";
    }
  }
  facts.attributes = sha256_hex(attributes);
  facts.extents = sha256_hex(extents);
  return facts;
}

Result<UnitLook> look_after_frozen(const UnitWork& work, const TargetFiles& files, Exclusion exclusion) {
  const auto list = work.place.list();
  if (!list) {
    return tl::make_unexpected(list.error());
  }
  const auto shares = shares_of(work.place, files, work.planned());
  if (!shares) {
    return fail(Errc::kStale, shares.error().reason);
  }
  UnitLook look;
  look.list_cut = !list->knows(work.planned().unit.device_range);
  look.unlisted = list->lacks(work.planned().unit.device_range);
  look.neighbours = true;
  for (int i = 0; i < kLooks && !look.equal; ++i) {
    for (const Share& share : *shares) {
      if (exclusion == Exclusion::kNone) {
        flush(share.file->fd.get(), share.file_range());
      }
    }
    const auto read = read_sectors(work.place, work.planned().unit.device_range);
    if (!read) {
      return tl::make_unexpected(read.error());
    }
    look.readable = read->all_readable();
    look.unchanged = is_as_before(work, *read);
    const bool expected = read->bytes == work.rebuilt || (exclusion == Exclusion::kNone && !shares->empty());
    if (!look.readable || !expected) {
      return look;
    }
    const auto same = all_read_as_device(work, *shares, *read, list->bad);
    if (!same) {
      return tl::make_unexpected(same.error());
    }
    look.equal = *same;
    if (!look.equal) {
      drop_clean_pages(*shares);
    }
  }
  return look;
}

Result<std::string> device_neighbours(const Place& place, const Plan& plan, std::size_t position) {
  RangeSet units;
  for (const PlannedUnit& planned : plan.units) {
    units.insert(planned.unit.device_range);
  }
  const ByteRange& own = plan.units[position].unit.device_range;
  const std::uint64_t begin = own.offset - std::min(own.offset, kPageBytes);
  const std::uint64_t end = std::min(own.end() + kPageBytes, place.device_bytes);
  std::string text;
  for (const ByteRange& part : units.missing({begin, end - begin})) {
    const auto read = read_sectors(place, part);
    if (!read) {
      return tl::make_unexpected(read.error());
    }
    text += to_string(part) + " " + digest_of(*read) + "\n";
  }
  return sha256_hex(text);
}

}  // namespace pmend::repair
