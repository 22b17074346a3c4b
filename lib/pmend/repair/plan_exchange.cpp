// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/plan_exchange.hpp"

#include "pmend/kernel/getfsmap.hpp"
#include "pmend/kernel/xfs_geometry.hpp"
#include "pmend/repair/exchange_look.hpp"
#include "pmend/repair/gates.hpp"
#include "pmend/repair/outcome_from_errno.hpp"

#include <algorithm>

namespace pmend::repair {
namespace {

using protocol::PlanReply;
using protocol::PlanRequest;

// A file that has something of the incident, open for reading.
struct OpenOwner {
  FileId id;
  UniqueFd fd;
  TargetFacts facts;
};

bool has_method(const PlanRequest& request) {
  return std::find(request.methods.begin(), request.methods.end(), Method::kExchange) != request.methods.end();
}

bool are_files(const std::vector<Owner>& owners) {
  return !owners.empty() && std::all_of(owners.begin(), owners.end(), [](const Owner& owner) {
    return owner.kind == OwnerKind::kFile && owner.file;
  });
}

bool knows_exchange(const Place& place) {
  const auto geometry =
      place.filesystem.type == "xfs" ? kernel::xfs_geometry(place.mount_fd) : fail(Errc::kUnsupported, "no XFS");
  return geometry && geometry->exchange_range;
}

// What keeps this method from a file.
std::optional<std::string> objection_to(const Place& place, const TargetFacts& facts) {
  if (auto forbidden = forbidden_file(facts)) {
    return forbidden;
  }
  if (auto forbidden = forbidden_write(facts)) {
    return forbidden;
  }
  if (auto forbidden = forbidden_exchange(place, facts)) {
    return forbidden;
  }
  if (facts.block_bytes > kPageBytes) {
    return "the blocks of the file system are larger than a page";
  }
  return std::nullopt;
}

// The owners, each once. Donors, which have what an earlier job left to be done, are owners that keep what they have.
Result<std::vector<OpenOwner>> open_owners(const Place& place, const PlanRequest& request) {
  std::vector<OpenOwner> owners;
  for (const Owner& owner : request.owners) {
    const auto known = [&owner](const OpenOwner& open) { return open.id == *owner.file; };
    if (std::any_of(owners.begin(), owners.end(), known)) {
      continue;
    }
    auto fd = open_target(place, *owner.file, OpenFor::kReading);
    auto facts = fd ? target_facts(place, fd->get()) : tl::make_unexpected(fd.error());
    if (!facts) {
      return tl::make_unexpected(facts.error());
    }
    if (facts->xattrs.contains(kQuarantineXattr)) {
      continue;
    }
    if (const auto objection = objection_to(place, *facts)) {
      return fail(Errc::kRefused, *objection);
    }
    owners.push_back({*owner.file, std::move(*fd), std::move(*facts)});
  }
  return owners;
}

Result<bool> is_donor(const Place& place, std::uint64_t inode, const PlanRequest& request) {
  for (const Owner& owner : request.owners) {
    if (owner.file->inode != inode) {
      continue;
    }
    const auto fd = open_target(place, *owner.file, OpenFor::kReading);
    const auto facts = fd ? target_facts(place, fd->get()) : tl::make_unexpected(fd.error());
    return facts ? Result<bool>(facts->xattrs.contains(kQuarantineXattr)) : tl::make_unexpected(facts.error());
  }
  return false;
}

// Everybody who has this page, by the file system's own reverse map.
class PageOwners {
 public:
  PageOwners(const Place& place, const PlanRequest& request, const std::vector<OpenOwner>& owners)
      : place_(place), request_(request), owners_(owners) {}

  // Errors: kRefused where one cannot be named or dealt with; the errno.
  Result<std::vector<Mapping>> find(const Piece& piece) const {
    const ByteRange page = piece.device_range();
    const auto records = kernel::getfsmap(place_.mount_fd, {page.offset - place_.file_system_offset, page.length});
    if (!records) {
      return tl::make_unexpected(records.error());
    }
    std::vector<Mapping> found;
    for (const kernel::FsmapRecord& record : *records) {
      if (record.is_unknown() && !piece.extent.is_shared() && owners_.size() == 1) {
        return std::vector{Mapping{owners_.front().id, piece.file_range.offset, page}};
      }
      if (auto added = add(record, page, found); !added) {
        return tl::make_unexpected(added.error());
      }
    }
    return found;
  }

 private:
  Status add(const kernel::FsmapRecord& record, const ByteRange& page, std::vector<Mapping>& found) const {
    if (record.is_unknown()) {
      return fail(Errc::kRefused,
                  "the extent is shared by several files, and the file system (rmapbt=0) does not say by which");
    }
    const ByteRange on_device{record.device_offset + place_.file_system_offset, record.length};
    const bool data = !record.is_special() && !record.is_attribute_fork() && !record.is_extent_map();
    if (!data || record.is_unwritten() || !on_device.contains(page)) {
      return fail(Errc::kRefused, "not all of the page is written data of its files");
    }
    const auto owner = std::find_if(owners_.begin(), owners_.end(),
                                    [&](const OpenOwner& open) { return open.id.inode == record.owner; });
    const std::uint64_t file_offset = record.file_offset + (page.offset - on_device.offset);
    if (owner == owners_.end()) {
      const auto donor = is_donor(place_, record.owner, request_);
      return donor && *donor ? Status()
                             : fail(Errc::kRefused, "inode " + std::to_string(record.owner) + " has the extent too");
    }
    if (file_offset % kPageBytes != 0) {
      return fail(Errc::kRefused, "a file has the extent at an offset that is no whole page");
    }
    found.push_back({owner->id, file_offset, page});
    return {};
  }

  const Place& place_;
  const PlanRequest& request_;
  const std::vector<OpenOwner>& owners_;
};

const OpenOwner& owner_with(const std::vector<OpenOwner>& owners, const FileId& file) {
  return *std::find_if(owners.begin(), owners.end(), [&](const OpenOwner& open) { return open.id == file; });
}

// Whether the cache of another owner has the page, and how much of it no file has as data.
Status look_at_others(const Place& place, const std::vector<OpenOwner>& owners, SharedPage& page) {
  std::uint64_t data = 0;
  for (const Mapping& mapping : page.owners) {
    const OpenOwner& owner = owner_with(owners, mapping.file);
    data = std::max(data, data_length(mapping, owner.facts.attributes.size));
    const auto view = view_page(owner.fd.get(), mapping.file_offset, place.read_limit);
    if (!view) {
      return tl::make_unexpected(view.error());
    }
    const bool first = mapping.file == owners.front().id && mapping.file_offset == page.piece.file_range.offset;
    page.cached_by_others = page.cached_by_others || (!first && view->state != CacheState::kAbsent);
  }
  page.slack = page.piece.file_range.length - data;
  return {};
}

// The pages of one look that have a bad sector of the incident.
Status add_pages(const Place& place, const PlanRequest& request, const std::vector<OpenOwner>& owners,
                 const PageFacts& look, std::vector<SharedPage>& pages) {
  const auto is_bad = [&](const Piece& piece, const std::vector<bool>& readable, std::uint64_t at) {
    const ByteRange sector{piece.device_offset + at, kSectorBytes};
    return !readable[at / kSectorBytes] && std::any_of(request.ranges.begin(), request.ranges.end(),
                                                       [&](const ByteRange& range) { return range.overlaps(sector); });
  };
  for (std::size_t i = 0; i < look.pieces.size(); ++i) {
    const Piece& whole = look.pieces[i];
    for (std::uint64_t at = 0; at < whole.file_range.length && !look.readable[i].empty(); at += kSectorBytes) {
      if (!is_bad(whole, look.readable[i], at)) {
        continue;
      }
      const ByteRange page = round_out({whole.file_range.offset + at, kSectorBytes}, kPageBytes);
      if (!whole.file_range.contains(page)) {
        return fail(Errc::kRefused, "the extent is smaller than a page");
      }
      const std::uint64_t in_piece = page.offset - whole.file_range.offset;
      const auto first = look.readable[i].begin() + static_cast<std::ptrdiff_t>(in_piece / kSectorBytes);
      SharedPage shared{{page, whole.device_offset + in_piece, whole.extent},
                        std::vector<bool>(first, first + kPageBytes / kSectorBytes),
                        look.cache};
      auto found = PageOwners(place, request, owners).find(shared.piece);
      if (!found) {
        return tl::make_unexpected(found.error());
      }
      shared.owners = std::move(*found);
      if (auto looked = look_at_others(place, owners, shared); !looked) {
        return looked;
      }
      pages.push_back(std::move(shared));
      at = page.end() - whole.file_range.offset - kSectorBytes;
    }
  }
  return {};
}

Result<ExchangeFacts> observe_shared(const Place& place, const PlanRequest& request,
                                     const std::vector<OpenOwner>& owners) {
  ExchangeFacts facts;
  const auto boot_id = current_boot_id();
  const auto list = place.list();
  const OpenOwner& first = owners.front();
  const auto looks = look_at_pages(first.fd.get(), place, request, first.facts);
  for (const Error* error :
       {boot_id ? nullptr : &boot_id.error(), list ? nullptr : &list.error(), looks ? nullptr : &looks.error()}) {
    if (error != nullptr) {
      return tl::make_unexpected(*error);
    }
  }
  facts.boot_id = *boot_id;
  facts.list = *list;
  for (const PageFacts& look : *looks) {
    if (auto added = add_pages(place, request, owners, look, facts.pages); !added) {
      return tl::make_unexpected(added.error());
    }
  }
  return facts;
}

// What keeps a page from being exchanged.
std::optional<std::string> objection_to(const SharedPage& page, const BadList& list, std::uint64_t block_bytes) {
  for (std::size_t i = 0; i < page.readable.size(); ++i) {
    const ByteRange sector{page.piece.device_offset + i * kSectorBytes, kSectorBytes};
    if (!page.readable[i] && list.lacks(round_out(sector, block_bytes))) {
      return "the sectors cannot be read, but the list of bad sectors does not name them";
    }
  }
  if (page.owners.empty()) {
    return "nobody has the page any more";
  }
  if (page.owners.size() > 1 && (page.cached_by_others || page.cache != CacheState::kAbsent)) {
    return "the extent is shared, and the page cache has bytes of one of its files: a copy that a program makes of "
           "that "
           "file saves them";
  }
  return std::nullopt;
}

PlannedUnit exchanged_unit(const SharedPage& page) {
  std::string letters;
  for (const bool good : page.readable) {
    const char bad = page.cache == CacheState::kAbsent ? kSectorLost : kSectorCached;
    letters.push_back(good ? kSectorGood : bad);
  }
  return {Unit{page.piece.device_range(), Method::kExchange, std::move(letters)}, page.owners};
}

// True if the files have the second unit right behind the first.
bool is_continued(const PlannedUnit& first, const PlannedUnit& second) {
  const std::uint64_t length = first.unit.device_range.length;
  const auto follows = [length](const Mapping& a, const Mapping& b) {
    return a.file == b.file && a.file_offset + length == b.file_offset;
  };
  return first.unit.device_range.end() == second.unit.device_range.offset &&
         length + second.unit.device_range.length <= kMaxUnitBytes &&
         std::equal(first.mappings.begin(), first.mappings.end(), second.mappings.begin(), second.mappings.end(),
                    follows);
}

void append(std::vector<PlannedUnit>& units, PlannedUnit next) {
  if (units.empty() || !is_continued(units.back(), next)) {
    units.push_back(std::move(next));
    return;
  }
  PlannedUnit& last = units.back();
  last.unit.device_range.length += next.unit.device_range.length;
  last.unit.sectors += next.unit.sectors;
  for (Mapping& mapping : last.mappings) {
    mapping.device_range = last.unit.device_range;
  }
}

void add_bytes(const SharedPage& page, const PlannedUnit& unit, RangeSet& salvageable, RangeSet& lost) {
  const ByteRange& range = unit.unit.device_range;
  for (std::size_t i = 0; i < unit.unit.sectors.size(); ++i) {
    const ByteRange sector{range.offset + i * kSectorBytes, kSectorBytes};
    if (unit.unit.sectors[i] != kSectorLost) {
      salvageable.insert(sector);
    } else if (sector.offset < range.end() - page.slack) {
      lost.insert(sector);
    }
  }
}

PlanReply refuse_both(const PlanRefusal& in_file, const std::string& reason) {
  return refuse(RefusalState::kBlocked,
                in_file.reason == reason ? reason : in_file.reason + "; it cannot be exchanged either: " + reason);
}

}  // namespace

PlanReply make_exchange_plan(const Place& place, const ExchangeFacts& facts) {
  Plan plan;
  plan.device = place.device;
  plan.device_id = place.device_id;
  plan.boot_id = facts.boot_id;
  plan.owner = OwnerKind::kFile;
  plan.filesystem = place.filesystem;
  plan.method = Method::kExchange;
  RangeSet bad;
  RangeSet salvageable;
  RangeSet lost;
  std::vector<SharedPage> pages = facts.pages;
  std::sort(pages.begin(), pages.end(),
            [](const SharedPage& a, const SharedPage& b) { return a.piece.device_offset < b.piece.device_offset; });
  for (const SharedPage& page : pages) {
    if (auto objection = objection_to(page, facts.list, place.block_bytes)) {
      return refuse(RefusalState::kBlocked, *objection);
    }
    PlannedUnit unit = exchanged_unit(page);
    add_bytes(page, unit, salvageable, lost);
    for (const ByteRange& range : facts.list.bad.common(unit.unit.device_range)) {
      bad.insert(range);
    }
    append(plan.units, std::move(unit));
  }
  if (plan.units.size() > kMaxUnitsPerPlan) {
    return refuse(RefusalState::kBlocked, "the incident has too many separate places for one plan");
  }
  plan.bad = bad.ranges();
  plan.salvageable = salvageable.ranges();
  plan.lost = lost.ranges();
  return {std::move(plan), std::nullopt};
}

std::optional<PlanReply> plan_exchange(const Place& place, const PlanRequest& request, const PlanRefusal& in_file) {
  if (!has_method(request) || !are_files(request.owners) || !knows_exchange(place)) {
    return std::nullopt;
  }
  const auto forbidden = forbidden_now(place);
  if (!forbidden || *forbidden) {
    return std::nullopt;  // as the refusal says
  }
  const auto owners = open_owners(place, request);
  if (!owners) {
    return refuse_both(in_file, owners.error().is(Errc::kRefused) ? owners.error().what : owners.error().message());
  }
  if (owners->empty()) {
    return std::nullopt;
  }
  const auto facts = observe_shared(place, request, *owners);
  if (!facts) {
    return refuse_both(in_file, facts.error().is(Errc::kRefused) ? facts.error().what : facts.error().message());
  }
  if (facts->pages.empty()) {
    return std::nullopt;
  }
  PlanReply reply = make_exchange_plan(place, *facts);
  return reply.plan ? std::move(reply) : refuse_both(in_file, reply.refusal->reason);
}

}  // namespace pmend::repair
