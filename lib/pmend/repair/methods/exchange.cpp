// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/methods/exchange.hpp"

#include "pmend/base/boundary.hpp"
#include "pmend/repair/child.hpp"
#include "pmend/repair/exchange_look.hpp"
#include "pmend/repair/gates.hpp"
#include "pmend/repair/methods/exchange_swap.hpp"
#include "pmend/repair/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <span>

namespace pmend::repair {
namespace {

constexpr std::chrono::milliseconds kThawProbeLimit{2000};
// How often the file system may give a bad block for a new one.
constexpr int kMostNewBlocks = 16;

MethodResult untouched(Ending ending) {
  return {std::move(ending), false, {}};
}

std::string text_for_people(const UnitWork& work, const Mapping& mapping) {
  return "bad block at " + to_string(mapping.device_range) + " of " + work.place.device + ", until then " +
         to_string({mapping.file_offset, mapping.device_range.length}) + " of inode " +
         std::to_string(mapping.file.inode) + " generation " + std::to_string(mapping.file.generation) + "; job " +
         std::to_string(work.index.job.value);
}

// Where each mapping of the unit stands.
enum class Stand { kHasOld, kExchanged, kElsewhere };
Result<Stand> stand_of(const UnitWork& work, const Mapping& mapping, bool old_is_held) {
  const auto fd = open_target(work.place, mapping.file, OpenFor::kReading);
  if (!fd) {
    // Its bad block is in the quarantine whatever became of the file.
    const bool gone = fd.error().is_errno(ESTALE) || fd.error().is(Errc::kStale);
    return gone ? Result<Stand>(old_is_held ? Stand::kExchanged : Stand::kElsewhere) : tl::make_unexpected(fd.error());
  }
  const auto old = lies_at(fd->get(), work.place, mapping.file_offset, mapping.device_range);
  if (!old) {
    return tl::make_unexpected(old.error());
  }
  if (*old) {
    return Stand::kHasOld;
  }
  return old_is_held ? Stand::kExchanged : Stand::kElsewhere;
}

Result<std::vector<Stand>> stands_of(const UnitWork& work, const std::vector<DonorLook>& donors) {
  const bool held = std::any_of(donors.begin(), donors.end(), [](const DonorLook& donor) { return donor.holds_old; });
  std::vector<Stand> stands;
  for (const Mapping& mapping : work.planned().mappings) {
    const auto stand = stand_of(work, mapping, held);
    if (!stand) {
      return tl::make_unexpected(stand.error());
    }
    stands.push_back(*stand);
  }
  return stands;
}

// The gates of the place, for a change of a donor: those of a file do not apply to it.
Obstacle check_place(const UnitWork& work, int fd) {
  const auto forbidden = forbidden_now(work.place);
  if (!forbidden || *forbidden) {
    return forbidden ? Ending{Outcome::kRefused, **forbidden} : before_change(forbidden.error());
  }
  const auto frozen = is_frozen(fd, kThawProbeLimit);
  if (!frozen) {
    return before_change(frozen.error());
  }
  return *frozen ? Obstacle(Ending{Outcome::kBusyRetry, "the file system is frozen"}) : std::nullopt;
}

Status fill_donor(const UnitWork& work, int donor, std::uint64_t length) {
  if (auto written = write_exactly(donor, std::span(work.rebuilt).first(length), 0); !written) {
    return written;
  }
  if (fsync(donor) < 0) {
    return fail_errno("fsync the donor");
  }
  return {};
}

// The first of the file's blocks that is listed as bad or cannot be read, on the device; also of those that hold
// nothing yet. Errors: the errno; kIncomplete for a block without a place.
Result<std::optional<ByteRange>> bad_block_of(const Place& place, int fd, const RangeSet& bad) {
  const auto extents = kernel::fiemap(fd);
  if (!extents) {
    return tl::make_unexpected(extents.error());
  }
  for (const kernel::FileExtent& extent : *extents) {
    if (!extent.has_device_range()) {
      return fail(Errc::kIncomplete, "a block has no place yet");
    }
    const ByteRange range{place.file_system_offset + extent.device_offset, extent.length};
    const auto read = read_sectors(place, range);
    if (!read) {
      return tl::make_unexpected(read.error());
    }
    if (bad.overlaps(range) || !read->all_readable()) {
      return std::optional(range);
    }
  }
  return std::optional<ByteRange>();
}

// New blocks for an empty donor. Free space can be bad too: what was got is then set aside, so that nobody is given it.
// False if it was.
Result<bool> allocate(const UnitWork& work, const Quarantine& quarantine, const std::string& name, int donor,
                      std::uint64_t length) {
  if (fallocate(donor, 0, 0, static_cast<off_t>(length)) < 0) {
    return fail_errno("fallocate the donor");
  }
  const auto list = work.place.list();
  const auto bad = list ? bad_block_of(work.place, donor, list->bad) : tl::make_unexpected(list.error());
  if (!bad || !*bad) {
    return bad ? Result<bool>(true) : tl::make_unexpected(bad.error());
  }
  const std::string aside = "free-" + std::to_string((*bad)->offset) + "." + work.spool_key;
  const std::string text = "bad block at " + to_string(**bad) + " of " + work.place.device + ", free until then";
  const auto done = quarantine.set_aside(name, donor, aside, text);
  return done ? Result<bool>(false) : tl::make_unexpected(done.error());
}

Status make_donor(const UnitWork& work, const Quarantine& quarantine, const Mapping& mapping) {
  const auto target = open_target(work.place, mapping.file, OpenFor::kReading);
  const auto facts = target ? target_facts(work.place, target->get()) : tl::make_unexpected(target.error());
  if (!facts) {
    return tl::make_unexpected(facts.error());
  }
  const std::uint64_t length = data_length(mapping, facts->attributes.size);
  if (length == 0) {
    return fail(Errc::kStale, "the file ends before the unit now");
  }
  const std::string name = donor_name(mapping, work.spool_key);
  if (auto removed = quarantine.remove_donor(name); !removed) {
    return removed;
  }
  for (int i = 0; i < kMostNewBlocks; ++i) {
    const auto donor = quarantine.create_donor(name, text_for_people(work, mapping));
    if (!donor) {
      return tl::make_unexpected(donor.error());
    }
    boundary("exchange: after the donor was linked");
    const auto kinds = kernel::file_facts(donor->get());
    if (!kinds || kinds->dax != facts->kinds.dax) {
      return fail(Errc::kUnsupported, "the quarantine makes no files that are mapped from the medium as this one is");
    }
    const auto good = allocate(work, quarantine, name, donor->get(), length);
    if (!good) {
      return tl::make_unexpected(good.error());
    }
    if (*good) {
      return fill_donor(work, donor->get(), length);
    }
  }
  return fail_errno("free space is bad too, in many places", ENOSPC);
}

// One direct write of zeros, then everything to the medium.
Status write_zeros(const UnitWork& work, int donor) {
  const std::uint64_t length = work.planned().unit.device_range.length;
  const auto zeros = SharedBuffer::create(length);  // page aligned, as direct writes want it
  if (!zeros) {
    return tl::make_unexpected(zeros.error());
  }
  const auto direct = open_file("/proc/self/fd/" + std::to_string(donor), O_WRONLY | O_DIRECT);
  if (!direct) {
    return tl::make_unexpected(direct.error());
  }
  if (auto written = write_exactly(direct->get(), zeros->bytes(), 0); !written) {
    return written;
  }
  if (fdatasync(direct->get()) < 0) {
    return fail_errno("fdatasync");
  }
  return {};
}

Ending judge_clear(const UnitWork& work, const Status& written) {
  if (!written) {
    return {outcome_of(written.error()), "the old block could not be cleared: " + written.error().message()};
  }
  const auto read = read_sectors(work.place, work.planned().unit.device_range);
  const auto list = work.place.list();
  if (!read || !list) {
    return {Outcome::kIndeterminate, (read ? list.error() : read.error()).message()};
  }
  const bool zeros = std::all_of(read->bytes.begin(), read->bytes.end(), [](std::byte b) { return b == std::byte{0}; });
  if (!read->all_readable() || !zeros) {
    return {Outcome::kPermanentFailure, "the device reported the old block as written, but it cannot be read"};
  }
  if (!list->lacks(work.planned().unit.device_range)) {
    return {Outcome::kIndeterminate, "the old block can be read again, but is still listed"};
  }
  return {Outcome::kSucceeded, ""};
}

// Several donors share the old block; the first keeps it, for a block that is shared cannot be written to.
Result<DonorLook> only_holder(const UnitWork& work) {
  auto donors = look_at_donors(work);
  if (!donors) {
    return tl::make_unexpected(donors.error());
  }
  std::optional<DonorLook> holder;
  for (DonorLook& donor : *donors) {
    if (!donor.holds_old) {
      continue;
    }
    if (!holder) {
      holder = std::move(donor);
    } else if (ftruncate(donor.fd->get(), 0) < 0 || fsync(donor.fd->get()) < 0) {
      return fail_errno("ftruncate " + donor.name);
    }
  }
  return holder ? Result<DonorLook>(std::move(*holder)) : fail(Errc::kStale, "no donor has the old block");
}

}  // namespace

tl::expected<Course, Ending> course_of_exchange(const UnitWork& work) {
  const auto donors = look_at_donors(work);
  const auto stands = donors ? stands_of(work, *donors) : tl::make_unexpected(donors.error());
  if (!stands) {
    return tl::make_unexpected(before_change(stands.error()));
  }
  bool ready = true;
  bool left = false;
  for (std::size_t i = 0; i < stands->size(); ++i) {
    if ((*stands)[i] == Stand::kElsewhere) {
      return tl::make_unexpected(*changed("the file does not have the bad block any more"));
    }
    if ((*stands)[i] == Stand::kHasOld) {
      left = true;
      ready = ready && (*donors)[i].complete;
    }
  }
  if (!left) {
    return Course::kClear;
  }
  return ready ? Course::kExchange : Course::kDonor;
}

MethodResult make_donors(const UnitWork& work) {
  if (auto obstacle = check_place(work, work.place.mount_fd)) {
    return untouched(*obstacle);
  }
  boundary("exchange: before a donor is made");
  const auto quarantine = Quarantine::create(work.place);
  const auto donors = quarantine ? look_at_donors(work) : tl::make_unexpected(quarantine.error());
  const auto stands = donors ? stands_of(work, *donors) : tl::make_unexpected(donors.error());
  if (!stands) {
    return untouched(before_change(stands.error()));
  }
  for (std::size_t i = 0; i < stands->size(); ++i) {
    if ((*stands)[i] != Stand::kHasOld || (*donors)[i].complete) {
      continue;
    }
    if (auto made = make_donor(work, *quarantine, work.planned().mappings[i]); !made) {
      Ending ending = before_change(made.error());
      // Another new block may do.
      ending.outcome = ending.outcome == Outcome::kPermanentFailure ? Outcome::kBusyRetry : ending.outcome;
      return untouched(std::move(ending));
    }
  }
  boundary("exchange: after the donors were made");
  const auto course = course_of_exchange(work);
  if (!course) {
    return untouched(course.error());
  }
  return untouched(*course == Course::kDonor ? Ending{Outcome::kBusyRetry, "the new block does not hold what it must"}
                                             : Ending{Outcome::kSucceeded, ""});
}

MethodResult exchange(const UnitWork& work) {
  const auto donors = look_at_donors(work);
  const auto stands = donors ? stands_of(work, *donors) : tl::make_unexpected(donors.error());
  if (!stands) {
    return untouched(before_change(stands.error()));
  }
  MethodResult result{{Outcome::kSucceeded, ""}, false, {}};
  bool some = std::find(stands->begin(), stands->end(), Stand::kExchanged) != stands->end();
  for (std::size_t i = 0; i < stands->size(); ++i) {
    if ((*stands)[i] != Stand::kHasOld) {
      continue;
    }
    result = swap_block(work, work.planned().mappings[i], (*donors)[i]);
    if (result.ending.outcome != Outcome::kSucceeded) {
      // A block that some of its files are rid of must be finished, not planned anew.
      result.ending.outcome = some ? Outcome::kIndeterminate : result.ending.outcome;
      result.changing = result.changing || some;
      return result;
    }
    some = true;
  }
  if (stands->size() > 1) {
    result.own_time.reset();  // of one file only
  }
  return result;
}

MethodResult clear_old_block(const UnitWork& work) {
  const auto other = other_owner(work);
  const auto quarantined = other ? is_quarantined(work) : tl::make_unexpected(other.error());
  if (!quarantined) {
    return untouched(before_change(quarantined.error()));
  }
  if (*other || !*quarantined) {
    return untouched(*changed("the old block belongs to " + other->value_or("its file") + " too"));
  }
  const auto holder = only_holder(work);
  if (!holder) {
    return untouched(before_change(holder.error()));
  }
  if (auto obstacle = check_place(work, holder->fd->get())) {
    return untouched(*obstacle);
  }
  boundary("exchange: before the old block is cleared");
  const Status written = write_zeros(work, holder->fd->get());
  boundary("exchange: after the old block was cleared");
  return {judge_clear(work, written), true, {}};
}

Status remove_donors(const UnitWork& work, OldBlock old_block) {
  const auto quarantine = Quarantine::open(work.place);
  if (!quarantine || !*quarantine) {
    return quarantine ? Status() : tl::make_unexpected(quarantine.error());
  }
  const auto donors = look_at_donors(work);
  if (!donors) {
    return tl::make_unexpected(donors.error());
  }
  for (const DonorLook& donor : *donors) {
    if (!donor.fd || (donor.holds_old && old_block == OldBlock::kIsKept)) {
      continue;
    }
    if (auto removed = (*quarantine)->remove_donor(donor.name); !removed) {
      return removed;
    }
  }
  return (*quarantine)->remove_if_empty();
}

Result<bool> is_quarantined(const UnitWork& work) {
  const auto donors = look_at_donors(work);
  const auto stands = donors ? stands_of(work, *donors) : tl::make_unexpected(donors.error());
  if (!stands) {
    return tl::make_unexpected(stands.error());
  }
  return std::all_of(stands->begin(), stands->end(), [](Stand stand) { return stand == Stand::kExchanged; });
}

std::string quarantine_text(const UnitWork& work) {
  const auto quarantine = Quarantine::open(work.place);
  const auto donors = look_at_donors(work);
  if (quarantine && *quarantine && donors) {
    for (const DonorLook& donor : *donors) {
      if (donor.holds_old) {
        return "the bad block is kept in quarantine, in " + (*quarantine)->path_of(donor.name);
      }
    }
  }
  return "the bad block is kept in quarantine";
}

void remove_forgotten_donors(const Place& place, const std::string& spool_directory) {
  const auto quarantine = Quarantine::open(place);
  if (!quarantine || !*quarantine) {
    return;
  }
  const auto list = place.list();
  const auto spools = list_spools(spool_directory);
  const auto names = (*quarantine)->donors();
  if (!names || !list || !list->complete || !spools) {
    return;
  }
  for (const std::string& name : *names) {
    const bool open_job = std::find(spools->begin(), spools->end(), spool_key_of(name)) != spools->end();
    const auto donor = open_job ? Result<std::optional<UniqueFd>>(std::nullopt) : (*quarantine)->open_donor(name);
    const auto bad =
        donor && *donor ? bad_block_of(place, (*donor)->get(), list->bad) : fail(Errc::kNotFound, "nothing to look at");
    if (bad && !*bad) {
      (void)(*quarantine)->remove_donor(name);  // else the next job tries
    }
  }
  (void)(*quarantine)->remove_if_empty();  // likewise
}

}  // namespace pmend::repair
