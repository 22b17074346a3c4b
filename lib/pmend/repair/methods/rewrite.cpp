// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/methods/rewrite.hpp"

#include "pmend/base/boundary.hpp"
#include "pmend/repair/child.hpp"
#include "pmend/repair/gates.hpp"
#include "pmend/repair/lease.hpp"
#include "pmend/repair/methods/punch.hpp"
#include "pmend/repair/methods/rescue.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <string>
#include <thread>

namespace pmend::repair {
namespace {

// Somebody who only passes by (a reader, our own observer) is let through, and then it is tried again.
constexpr int kRewriteAttempts = 5;
constexpr std::chrono::milliseconds kRewritePause{20};

bool is_recovery(const UnitWork& work) {
  return is_written_in_pages(work.planned().unit.method);
}

bool is_rescue(const UnitWork& work) {
  return work.planned().unit.method == Method::kRescue;
}

bool is_punch(const UnitWork& work) {
  return work.planned().unit.method == Method::kPunch;
}

// Size, attributes and mapping are what they were when the unit was spooled. Nobody can change them under the lease.
Obstacle check_file(const UnitWork& work, int fd, const TargetFacts& facts) {
  if (facts.attributes.size != work.index.size || attributes_digest(facts) != work.index.attributes) {
    return changed("size, mode, owner or extended attributes of the file changed");
  }
  if (!is_punch(work) && facts.kinds.dax != is_recovery(work)) {
    return changed(facts.kinds.dax ? "the file is mapped from its medium (DAX) now"
                                   : "the file is not mapped from its medium (DAX) any more");
  }
  const Mapping& mapping = work.planned().mappings.front();
  if (mapping.file_offset + mapping.device_range.length > facts.attributes.size) {
    return Ending{Outcome::kRefused, "the write would make the file longer"};
  }
  if (auto forbidden = forbidden_write(facts)) {
    return Ending{Outcome::kRefused, *forbidden};
  }
  // Also writes back what the file's last users left in the page cache.
  const auto extents = extents_digest(fd, digest_scope(work.plan), kernel::FiemapSync::kYes);
  if (!extents) {
    return changed("the file has changes that cannot be written back: " + extents.error().message());
  }
  if (*extents != work.index.extents) {
    return changed("the file's extents changed");
  }
  return std::nullopt;
}

// Its hole, of an earlier worker.
Obstacle check_punched(const UnitWork& work, const PunchLook& look, const TargetFacts& facts) {
  const auto course = course_of_punched(work, look, facts.changed);
  return course ? std::nullopt : Obstacle(course.error());
}

// The direct write drops the pages it goes through: none may hold what the medium does not.
Obstacle check_cache(const UnitWork& work, int fd, Begun begun, const Salvaged& salvaged) {
  const Mapping& mapping = work.planned().mappings.front();
  const ByteRange file_range{mapping.file_offset, mapping.device_range.length};
  const auto dirty = has_unwritten_changes(fd, round_out(file_range, kPageBytes));
  if (!dirty || *dirty) {
    return dirty ? changed("the file was written to") : before_change(dirty.error());
  }
  for (const PageView& page : salvaged.pages) {
    if (page.state == CacheState::kPartly) {
      return Ending{Outcome::kRefused, "the page cache has the only copy of some bytes of the page"};
    }
    if (page.state == CacheState::kWhole && begun == Begun::kNo) {
      return changed("the page is in the page cache now: it can be written back without loss");
    }
  }
  return std::nullopt;
}

// Pages that may be dropped along with those of the unit hold what the device holds.
Obstacle check_dropped_pages(const UnitWork& work, int fd) {
  const Mapping& mapping = work.planned().mappings.front();
  const auto pages = pages_dropped_with(fd, {mapping.file_offset, mapping.device_range.length}, work.place.read_limit);
  if (!pages) {
    return before_change(pages.error());
  }
  for (const CachedPage& page : *pages) {
    const auto pieces = pieces_of(fd, work.place, {page.file_offset, kPageBytes});
    if (!pieces) {
      return before_change(pieces.error());
    }
    for (const Piece& piece : *pieces) {
      const auto cached = page.bytes.begin() + static_cast<std::ptrdiff_t>(piece.file_range.offset - page.file_offset);
      const auto read = piece.extent.has_device_range() ? read_sectors(work.place, piece.device_range())
                                                        : fail(Errc::kRefused, "a block has no place yet");
      if (!read) {
        return before_change(read.error());
      }
      const bool unwritten = piece.extent.is_unwritten();  // reads as zeros, the device holds something old
      if (!unwritten && (!read->all_readable() || !std::equal(read->bytes.begin(), read->bytes.end(), cached))) {
        return Ending{Outcome::kRefused, "the page cache has the only copy of bytes beside the unit"};
      }
    }
  }
  return std::nullopt;
}

// True if each sector that can be had is what the spool has.
bool agrees_with_spool(const UnitWork& work, const Salvaged& salvaged) {
  for (std::size_t i = 0; i < salvaged.sectors.size(); ++i) {
    const auto at = static_cast<std::ptrdiff_t>(i * kSectorBytes);
    const auto end = at + static_cast<std::ptrdiff_t>(kSectorBytes);
    if (salvaged.sectors[i] != kSectorLost &&
        !std::equal(salvaged.bytes.begin() + at, salvaged.bytes.begin() + end, work.rebuilt.begin() + at)) {
      return false;
    }
  }
  return true;
}

// The unit as it is must be what the plan says, or what an earlier worker can have left of it.
Obstacle check_content(const UnitWork& work, const TargetFacts& facts, Begun begun, const Salvaged& salvaged) {
  if (begun == Begun::kNo) {
    if (auto difference = sectors_difference(work.before().unit.sectors, salvaged.sectors)) {
      return changed(*difference);
    }
    return agrees_with_spool(work, salvaged) ? std::nullopt : changed("bytes of the unit are not what was spooled");
  }
  // Other bytes than the spool's are leftovers of a write that was cut off only if nobody has changed the file since it
  // was spooled; its own change time would tell.
  const bool untouched = facts.changed == work.index.changed || (is_punch(work) && is_own_punch(work, facts.changed));
  if (!agrees_with_spool(work, salvaged) && !untouched) {
    return Ending{Outcome::kIndeterminate,
                  "the unit holds other bytes than those that were to be written, and the file was changed since: "
                  "nobody knows by whom"};
  }
  return std::nullopt;
}

// What lies around the unit is what it was when the unit was spooled: else nobody could prove afterwards that the write
// left it alone. Its users may have written there meanwhile.
Obstacle check_neighbours(const UnitWork& work, int fd) {
  const auto digest = neighbours_digest(work.place, fd, work.plan, work.position);
  if (!digest) {
    return before_change(digest.error());
  }
  return *digest == work.before().neighbours ? std::nullopt : changed("bytes around the unit were changed");
}

Obstacle check_all(const UnitWork& work, int fd, Begun begun) {
  const auto facts = target_facts(work.place, fd);
  if (!facts) {
    return before_change(facts.error());
  }
  if (auto obstacle = check_gates(work.place, fd, *facts, work.planned().unit.method)) {
    return obstacle;
  }
  if (auto obstacle = check_file(work, fd, *facts)) {
    return obstacle;
  }
  if (is_punch(work) && begun != Begun::kNo) {
    const auto look = look_at_punched(work, fd);
    if (!look) {
      return before_change(look.error());
    }
    if (!look->in_place) {
      return check_punched(work, *look, *facts);
    }
  }
  if (auto obstacle = check_mapping(work, fd)) {
    return obstacle;
  }
  const auto salvaged = salvage(work.place, fd, work.planned());
  if (!salvaged) {
    return before_change(salvaged.error());
  }
  if (auto obstacle = check_content(work, *facts, begun, *salvaged)) {
    return obstacle;
  }
  if (!facts->kinds.dax) {  // what is mapped from its medium has no page cache
    if (auto obstacle = check_cache(work, fd, begun, *salvaged)) {
      return obstacle;
    }
    if (auto obstacle = check_dropped_pages(work, fd)) {
      return obstacle;
    }
  }
  if (begun != Begun::kNo) {
    return std::nullopt;
  }
  if (auto obstacle = check_neighbours(work, fd)) {
    return obstacle;
  }
  return is_rescue(work) ? std::nullopt : check_listed(work);
}

std::optional<Error> failure_of(tl::unexpected<Error> error) {
  return std::move(error).value();
}

// One write of all of it.
std::optional<Error> write_once(int fd, std::span<const std::byte> bytes, std::uint64_t file_offset) {
  const std::string what = "write of " + to_string({file_offset, bytes.size()});
  const ssize_t n = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(file_offset));
  if (n < 0) {
    return failure_of(fail_errno(what));
  }
  if (static_cast<std::size_t>(n) != bytes.size()) {
    return failure_of(fail(Errc::kIncomplete, what + ": only " + std::to_string(n) + " bytes were taken"));
  }
  return std::nullopt;
}

// Past the page cache.
std::optional<Error> write_directly(const UnitWork& work, int fd) {
  const auto buffer = SharedBuffer::create(work.rebuilt.size());  // page aligned, as direct writes want it
  if (!buffer) {
    return buffer.error();
  }
  std::copy(work.rebuilt.begin(), work.rebuilt.end(), buffer->bytes().begin());
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_DIRECT) < 0) {
    return failure_of(fail_errno("O_DIRECT"));
  }
  const auto bytes = std::span<const std::byte>(buffer->bytes()).first(work.rebuilt.size());
  auto failure = write_once(fd, bytes, work.planned().mappings.front().file_offset);
  // Reads that follow go through the page cache again; the flag was not there before, so taking it away works.
  (void)fcntl(fd, F_SETFL, flags);
  return failure;
}

// The pages that were bad, each at once: a page that fails must not take others along.
std::optional<Error> write_pages(const UnitWork& work, int fd) {
  for (std::uint64_t at = 0; at < work.rebuilt.size(); at += kPageBytes) {
    const auto letters = work.before().unit.sectors.substr(at / kSectorBytes, kPageBytes / kSectorBytes);
    if (letters.find_first_not_of(kSectorGood) == std::string::npos) {
      continue;
    }
    const auto page = std::span<const std::byte>(work.rebuilt).subspan(at, kPageBytes);
    if (auto failure = write_once(fd, page, work.planned().mappings.front().file_offset + at)) {
      return failure;
    }
    boundary("recovery-write: after a page");
  }
  return std::nullopt;
}

// The rebuilt unit, then everything to the medium.
std::optional<Error> write_unit(const UnitWork& work, int fd) {
  auto failure = is_recovery(work) ? write_pages(work, fd) : write_directly(work, fd);
  if (!failure && fdatasync(fd) < 0) {
    failure = failure_of(fail_errno("fdatasync"));
  }
  return failure;
}

// The medium's list lost its entry, but the page did not come back: it took a machine check while nobody had it mapped
// (Linux drivers/nvdimm/pmem.c, pmem_mkpage_present() finds no mark on it).
bool is_out_of_reach(const UnitLook& look, const std::optional<Error>& failure) {
  return failure && failure->is_errno(EFAULT) && look.unlisted && !look.readable;
}

MethodResult obstructed(Ending ending) {
  return {std::move(ending), false, {}};
}

// The blocks go, and the rebuilt unit gets others.
MethodResult punch_and_write(const UnitWork& work, int fd) {
  const auto before = basic_facts(fd);
  std::optional<Error> failure;
  if (auto given = give_blocks_back(work, fd); !given) {
    failure = given.error();
  } else {
    failure = write_unit(work, fd);
  }
  boundary("punch: after the write");
  const auto look = look_at_punched(work, fd);
  const auto neighbours = neighbours_digest(work.place, fd, work.plan, work.position);
  if (!look || !neighbours) {
    return {{Outcome::kIndeterminate, (look ? neighbours.error() : look.error()).message()}, true, {}};
  }
  const auto after = basic_facts(fd);
  const bool own_time = before && after && before->modified == work.modified;
  return {judge_punch(work, *look, *neighbours == work.before().neighbours, failure), true,
          own_time ? std::optional(after->modified) : std::nullopt};
}

MethodResult attempt(const UnitWork& work, Begun begun) {
  const auto fd = open_target(work.place, work.file(), OpenFor::kWriting);
  if (!fd) {
    return obstructed(before_change(fd.error()));
  }
  const auto lease = take_lease(work.place, fd->get());
  if (!lease) {
    return obstructed(before_change(lease.error()));
  }
  if (!*lease) {
    const auto facts = target_facts(work.place, fd->get());
    return obstructed({Outcome::kBusyRetry,
                       "the file is in use by " + (facts ? users_text(work.place, *facts) : std::string("somebody"))});
  }
  if (auto obstacle = check_all(work, fd->get(), begun)) {
    return obstructed(*obstacle);
  }
  const auto before = basic_facts(fd->get());
  boundary("rewrite: before the write");
  if (!(*lease)->intact()) {
    return obstructed({Outcome::kBusyRetry, "somebody wants to open the file"});
  }
  if (is_punch(work)) {
    return punch_and_write(work, fd->get());
  }
  if (is_rescue(work)) {
    if (auto marked = mark_as_bad(work, fd->get()); !marked) {
      return obstructed(ending_of(marked.error()));
    }
    boundary("rescue: after the page was marked");
  }
  const auto failure = write_unit(work, fd->get());
  boundary("rewrite: after the write");
  const auto look = look_at_unit(work, fd->get(), Exclusion::kLease);
  if (!look) {
    return {{Outcome::kIndeterminate, look.error().message()}, true, {}};
  }
  const auto after = basic_facts(fd->get());
  const bool own_time = before && after && before->modified == work.modified;
  if (is_recovery(work) && is_out_of_reach(*look, failure)) {
    return {
        {Outcome::kTargetChanged,
         "the medium took the page back into use, but the kernel cannot reach it since its machine check: \"rescue\", "
         "where a rule names it, or a restart of the machine brings it back"},
        true,
        {}};
  }
  return {judge(*look, Exclusion::kLease, failure), true, own_time ? std::optional(after->modified) : std::nullopt};
}

}  // namespace

MethodResult rewrite(const UnitWork& work, Begun begun) {
  MethodResult result = attempt(work, begun);
  for (int i = 1; i < kRewriteAttempts && result.ending.outcome == Outcome::kBusyRetry && !result.changing; ++i) {
    std::this_thread::sleep_for(kRewritePause);
    result = attempt(work, begun);
  }
  return result;
}

}  // namespace pmend::repair
