// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/proof.hpp"

#include "pmend/repair/lease.hpp"
#include "pmend/repair/methods/punch.hpp"

#include <algorithm>

namespace pmend::repair {
namespace {

// Users of a file may write to it while it is compared with the medium.
constexpr int kCompareAttempts = 5;

bool same_range(const std::vector<std::byte>& a, const std::vector<std::byte>& b, const ByteRange& range) {
  const auto begin = static_cast<std::ptrdiff_t>(range.offset);
  const auto end = static_cast<std::ptrdiff_t>(range.end());
  return std::equal(a.begin() + begin, a.begin() + end, b.begin() + begin);
}

// The same sectors unreadable as before, the others as they were. What a cached page writes over its good sectors is
// what the file holds, whatever was there before.
bool is_unchanged(const UnitWork& work, const SectorsRead& read) {
  const std::string& sectors = work.before().unit.sectors;
  const bool compare = is_written_through_file(work.planned().unit.method);
  for (std::size_t i = 0; i < sectors.size(); ++i) {
    const bool was_good = sectors[i] == kSectorGood;
    if (read.readable[i] != was_good) {
      return false;
    }
    if (was_good && compare && !same_range(read.bytes, work.rebuilt, {i * kSectorBytes, kSectorBytes})) {
      return false;
    }
  }
  return true;
}

// The unit as applications read it; nothing where that fails.
Result<std::optional<std::vector<std::byte>>> cached_unit(const UnitWork& work, int fd) {
  std::vector<std::byte> unit(work.planned().unit.device_range.length);
  for (const Mapping& mapping : work.planned().mappings) {
    const ByteRange file_range{mapping.file_offset, mapping.device_range.length};
    flush(fd, file_range);
    const auto bytes = read_as_applications(fd, file_range, work.place.read_limit);
    if (!bytes || !*bytes) {
      return bytes;
    }
    const std::uint64_t in_unit = mapping.device_range.offset - work.planned().unit.device_range.offset;
    std::copy((*bytes)->begin(), (*bytes)->end(), unit.begin() + static_cast<std::ptrdiff_t>(in_unit));
  }
  return std::optional(std::move(unit));
}

// Whether the device has what the unit must hold: the spool's bytes where nobody else could write, else what the file
// has.
Result<bool> is_equal(const UnitWork& work, int fd, Exclusion exclusion, const SectorsRead& read) {
  if (read.bytes == work.rebuilt) {
    return true;
  }
  for (int i = 0; exclusion == Exclusion::kNone && i < kCompareAttempts; ++i) {
    const auto cached = cached_unit(work, fd);
    const auto again = read_sectors(work.place, work.planned().unit.device_range);
    if (!cached || !again) {
      return tl::make_unexpected(cached ? again.error() : cached.error());
    }
    if (*cached && again->all_readable() && **cached == again->bytes) {
      return true;
    }
  }
  return false;
}

Result<bool> neighbours_hold(const UnitWork& work, int fd, Exclusion exclusion) {
  const auto digest = neighbours_digest(work.place, fd, work.plan, work.position);
  if (!digest) {
    return tl::make_unexpected(digest.error());
  }
  if (*digest == work.before().neighbours) {
    return true;
  }
  return exclusion == Exclusion::kNone ? neighbours_agree(work.place, fd, work.plan, work.position) : false;
}

// True if pages of the unit hold other bad sectors, of other incidents: no cached read of these pages can succeed.
Result<bool> shares_page_with_bad(const UnitWork& work, int fd, const RangeSet& listed) {
  for (const Mapping& mapping : work.planned().mappings) {
    const auto pieces =
        pieces_of(fd, work.place, round_out({mapping.file_offset, mapping.device_range.length}, kPageBytes));
    if (!pieces) {
      return tl::make_unexpected(pieces.error());
    }
    for (const Piece& piece : *pieces) {
      if (piece.extent.has_device_range() && listed.overlaps(piece.device_range())) {
        return true;
      }
    }
  }
  return false;
}

// Whether applications read what the device has.
Result<bool> is_read_by_applications(const UnitWork& work, int fd, Exclusion exclusion) {
  for (int i = 0; i < kCompareAttempts; ++i) {
    const auto cached = cached_unit(work, fd);
    const auto device = read_sectors(work.place, work.planned().unit.device_range);
    if (!cached || !device) {
      return tl::make_unexpected(cached ? device.error() : cached.error());
    }
    if (!*cached) {
      const auto list = work.place.list();
      return list ? shares_page_with_bad(work, fd, list->bad) : tl::make_unexpected(list.error());
    }
    if (**cached == device->bytes) {
      return true;
    }
    if (exclusion == Exclusion::kLease) {
      return false;
    }
  }
  return false;
}

// What holds for a unit that got other blocks, or the same ones again. Where its old block is listed that must be no
// block of the file any more.
struct PunchedProof {
  bool unlisted = false;
  bool rid = false;
  bool read_back = false;
  bool neighbours = false;
};
Result<PunchedProof> prove_punched(const UnitWork& work, int fd, Exclusion exclusion) {
  const auto list = work.place.list();
  const auto look = look_at_punched(work, fd);
  const auto cached = cached_unit(work, fd);
  const auto neighbours = neighbours_hold(work, fd, exclusion);
  if (!list || !look) {
    return tl::make_unexpected(list ? look.error() : list.error());
  }
  if (!cached || !neighbours) {
    return tl::make_unexpected(cached ? neighbours.error() : cached.error());
  }
  const bool unlisted = list->lacks(work.planned().unit.device_range);
  const bool planned_bytes = exclusion == Exclusion::kNone || look->equal;
  return PunchedProof{unlisted, unlisted || !look->keeps_old,
                      look->readable && planned_bytes && *cached && **cached == look->bytes, *neighbours};
}

// What holds for all units. `rid`: no unit has a sector any more that is listed.
Status prove_units(const std::vector<UnitWork>& all, int fd, bool leased, Proof& proof, bool& rid) {
  rid = proof.badblocks_clear = proof.read_back = proof.neighbours_unchanged = true;
  for (const UnitWork& work : all) {
    const bool exclusive = leased && work.planned().unit.method != Method::kRedirty;
    const Exclusion exclusion = exclusive ? Exclusion::kLease : Exclusion::kNone;
    if (work.planned().unit.method == Method::kPunch) {
      const auto punched = prove_punched(work, fd, exclusion);
      if (!punched) {
        return tl::make_unexpected(punched.error());
      }
      proof.badblocks_clear = proof.badblocks_clear && punched->unlisted;
      rid = rid && punched->rid;
      proof.read_back = proof.read_back && punched->read_back;
      proof.neighbours_unchanged = proof.neighbours_unchanged && punched->neighbours;
      continue;
    }
    const auto look = look_at_unit(work, fd, exclusion);
    const auto cached = is_read_by_applications(work, fd, exclusion);
    if (!look || !cached) {
      return tl::make_unexpected(look ? cached.error() : look.error());
    }
    proof.badblocks_clear = proof.badblocks_clear && look->unlisted;
    rid = rid && look->unlisted;
    proof.read_back = proof.read_back && look->readable && look->equal && *cached;
    proof.neighbours_unchanged = proof.neighbours_unchanged && look->neighbours;
  }
  return {};
}

}  // namespace

Result<UnitLook> look_at_unit(const UnitWork& work, int fd, Exclusion exclusion) {
  const auto list = work.place.list();
  const auto read = read_sectors(work.place, work.planned().unit.device_range);
  if (!list || !read) {
    return tl::make_unexpected(list ? read.error() : list.error());
  }
  UnitLook look;
  look.list_cut = !list->knows(work.planned().unit.device_range);
  look.unlisted = list->lacks(work.planned().unit.device_range);
  look.readable = read->all_readable();
  look.unchanged = is_unchanged(work, *read);
  if (look.readable) {
    const auto equal = is_equal(work, fd, exclusion, *read);
    if (!equal) {
      return tl::make_unexpected(equal.error());
    }
    look.equal = *equal;
  }
  const auto neighbours = neighbours_hold(work, fd, exclusion);
  if (!neighbours) {
    return tl::make_unexpected(neighbours.error());
  }
  look.neighbours = *neighbours;
  return look;
}

Ending judge(const UnitLook& look, Exclusion exclusion, const std::optional<Error>& failure) {
  if (failure) {
    if (look.unchanged) {
      return {outcome_of(*failure), failure->message() + "; the sectors are as bad as before and nothing else changed"};
    }
    return {Outcome::kIndeterminate, failure->message() + "; the sectors are not as they were before"};
  }
  if (look.is_proven()) {
    return {Outcome::kSucceeded, ""};
  }
  if (!look.readable) {
    return {Outcome::kPermanentFailure,
            "the device reported the write as done, but the sectors still cannot be read: it does not tell the truth"};
  }
  if (!look.equal && exclusion == Exclusion::kNone) {
    return {Outcome::kIndeterminate, "the file and the device hold different bytes: its users are writing to it"};
  }
  if (!look.equal) {
    return {Outcome::kPermanentFailure,
            "the device reported the write as done, but gives other bytes back: it does not tell the truth"};
  }
  if (look.list_cut) {
    return {Outcome::kIndeterminate, "the list of bad sectors is cut short and proves nothing"};
  }
  if (!look.unlisted) {
    return {Outcome::kIndeterminate, "the sectors can be read, but are still listed as bad"};
  }
  return {Outcome::kIndeterminate, "bytes around the unit are not what they were before"};
}

void add_problem(std::string& problems, bool holds, const char* problem) {
  if (!holds) {
    problems += (problems.empty() ? "" : "; ") + std::string(problem);
  }
}

Result<JobProof> prove_job(const std::vector<UnitWork>& work, std::optional<FileTime> own_time) {
  const UnitWork& first = work.front();
  const auto fd = open_target(first.place, first.file(), OpenFor::kReading);
  if (!fd) {
    return tl::make_unexpected(fd.error());
  }
  const auto lease = take_lease(first.place, fd->get());
  const auto facts = target_facts(first.place, fd->get());
  const auto extents = extents_digest(fd->get(), digest_scope(first.plan), kernel::FiemapSync::kNo);
  if (!facts || !extents) {
    return tl::make_unexpected(facts ? extents.error() : facts.error());
  }
  JobProof result;
  Proof& proof = result.proof;
  proof.extents_before = first.index.extents;
  proof.extents_after = *extents;
  // A file that is only written back may be in use and grow.
  const bool size_holds = first.plan.method == Method::kRedirty || facts->attributes.size == first.index.size;
  proof.attributes_unchanged = size_holds && attributes_digest(*facts) == first.index.attributes;
  // Each step has found its unit and what lies around it as they must be, before anybody else could write there.
  const FileTime modified = facts->modified;
  bool rid = false;
  const bool others_wrote = own_time && modified != *own_time && modified != first.index.modified;
  if (auto proven = prove_units(work, fd->get(), lease && *lease && !others_wrote, proof, rid); !proven) {
    return tl::make_unexpected(proven.error());
  }
  add_problem(result.problem, rid, "sectors are still listed as bad, or the list is cut short");
  add_problem(result.problem, proof.read_back, "not all bytes read back as they must");
  add_problem(result.problem, proof.neighbours_unchanged, "bytes around the units are not what they were");
  add_problem(result.problem, proof.extents_before == proof.extents_after, "the file's extents changed");
  add_problem(result.problem, proof.attributes_unchanged, "mode, owner, size or extended attributes changed");
  if (rid && !proof.badblocks_clear) {
    result.remark =
        "the bad block is listed still, and no block of the file any more: free space, until somebody is "
        "given it";
  }
  return result;
}

}  // namespace pmend::repair
