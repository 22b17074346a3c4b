// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/methods/exchange_swap.hpp"

#include "pmend/base/boundary.hpp"
#include "pmend/kernel/exchange_range.hpp"
#include "pmend/kernel/lease.hpp"
#include "pmend/repair/gates.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace pmend::repair {
namespace {

// A file that is written to all the time is caught between two writes.
constexpr std::chrono::milliseconds kExchangeLimit{3000};
constexpr std::chrono::milliseconds kExchangePause{5};

MethodResult nothing_done(Ending ending) {
  return {std::move(ending), false, {}};
}

ByteRange file_range_of(const Mapping& mapping) {
  return {mapping.file_offset, mapping.device_range.length};
}

// One file whose piece is exchanged, open for writing.
struct Swap {
  const UnitWork& work;
  const Mapping& mapping;
  int target;
  int donor;
  std::uint64_t length;  // of the donor, and what is exchanged
};

// What does not change from one moment to the next: looked at before the time begins to count.
Obstacle check_beforehand(const Swap& swap) {
  const auto facts = target_facts(swap.work.place, swap.target);
  if (!facts) {
    return before_change(facts.error());
  }
  if (auto obstacle = check_gates(swap.work.place, swap.target, *facts, Method::kExchange)) {
    return obstacle;
  }
  if (auto forbidden = forbidden_write(*facts)) {
    return Ending{Outcome::kRefused, *forbidden};
  }
  const auto owners = look_at_owners(swap.work.place, swap.work.plan);
  if (!owners) {
    return before_change(owners.error());
  }
  if (owners->attributes != swap.work.index.attributes) {
    return changed("mode, owner or extended attributes of the file changed");
  }
  const auto other = other_owner(swap.work);
  if (!other || *other) {
    return other ? changed("the block belongs to " + **other + " too") : before_change(other.error());
  }
  return check_listed(swap.work);
}

// The page cache may have gone since its bytes were spooled, with the machine's power for instance. They are what the
// file must hold as long as nobody has changed it.
void add_spooled(const UnitWork& work, Salvaged& salvaged) {
  const std::string& before = work.before().unit.sectors;
  for (std::size_t i = 0; i < salvaged.sectors.size(); ++i) {
    if (before[i] == kSectorCached && salvaged.sectors[i] == kSectorLost) {
      const auto at = static_cast<std::ptrdiff_t>(i * kSectorBytes);
      salvaged.sectors[i] = kSectorCached;
      std::copy_n(work.rebuilt.begin() + at, kSectorBytes, salvaged.bytes.begin() + at);
    }
  }
}

// What can be had of the unit is what the donor has been given.
Obstacle check_bytes(const Swap& swap, const FileTime& changed_now) {
  const UnitWork& work = swap.work;
  auto salvaged = salvage(work.place, swap.target, as_one_has_it(work.planned(), swap.mapping));
  if (!salvaged) {
    return before_change(salvaged.error());
  }
  if (changed_now == work.index.changed) {
    add_spooled(work, *salvaged);
  }
  if (auto difference = sectors_difference(work.before().unit.sectors, salvaged->sectors)) {
    return changed(*difference);
  }
  const auto cached = [](const PageView& page) { return page.state != CacheState::kAbsent; };
  if (work.planned().mappings.size() > 1 && std::any_of(salvaged->pages.begin(), salvaged->pages.end(), cached)) {
    return changed("the page cache has bytes of one of the files that share the block");
  }
  const auto end = static_cast<std::ptrdiff_t>(swap.length);
  if (!std::equal(salvaged->bytes.begin(), salvaged->bytes.begin() + end, work.rebuilt.begin())) {
    return changed("bytes of the unit are not what was spooled");
  }
  return std::nullopt;
}

// All that the exchange relies on. What changes after this, the kernel notices.
Obstacle check_at_last(const Swap& swap) {
  const UnitWork& work = swap.work;
  const auto facts = target_facts(work.place, swap.target);
  const auto old = lies_at(swap.target, work.place, swap.mapping.file_offset, swap.mapping.device_range);
  if (!facts || !old) {
    return before_change(facts ? old.error() : facts.error());
  }
  if (!*old || data_length(swap.mapping, facts->attributes.size) != swap.length) {
    return changed("the file is shorter or longer, or lies elsewhere now");
  }
  if (auto forbidden = forbidden_exchange(work.place, *facts)) {
    return Ending{Outcome::kRefused, *forbidden};
  }
  if (auto obstacle = check_bytes(swap, facts->changed)) {
    return obstacle;
  }
  // A page that is dirty can be stored to without a new change time; one that is clean cannot.
  const auto dirty = has_unwritten_changes(swap.target, round_out(file_range_of(swap.mapping), kPageBytes));
  if (!dirty) {
    return before_change(dirty.error());
  }
  return *dirty ? Obstacle(Ending{Outcome::kBusyRetry, "the unit is being written to"}) : std::nullopt;
}

// How the exchange ended, by what is seen.
Ending judge_exchange(const Swap& swap, const FileTime& changed_before, const Status& committed) {
  const auto holds = lies_at(swap.donor, swap.work.place, 0, swap.mapping.device_range);
  const auto has = lies_at(swap.target, swap.work.place, swap.mapping.file_offset, swap.mapping.device_range);
  const auto facts = basic_facts(swap.target);
  for (const Error* error :
       {holds ? nullptr : &holds.error(), has ? nullptr : &has.error(), facts ? nullptr : &facts.error()}) {
    if (error != nullptr) {
      return {Outcome::kIndeterminate, error->message()};
    }
  }
  if (committed) {
    return *holds && !*has ? Ending{Outcome::kSucceeded, ""}
                           : Ending{Outcome::kIndeterminate, "the kernel reported an exchange that is not to be seen"};
  }
  if (*holds || !*has) {
    return {Outcome::kIndeterminate, committed.error().message() + "; the file has another block all the same"};
  }
  // A dirty page whose write-back fails is told before the change that made it so.
  const bool busy = facts->changed != changed_before || committed.error().is_errno(EBUSY);
  return busy ? Ending{Outcome::kBusyRetry, "the file is being written to"} : ending_of(committed.error());
}

MethodResult commit(const Swap& swap) {
  // Only to know whose the modification time is, so not waited for. From here on the file is not opened again.
  const auto lease = kernel::WriteLease::take(swap.target);
  const auto before = basic_facts(swap.target);
  if (!before) {
    return nothing_done(before_change(before.error()));
  }
  boundary("exchange: before the commit");
  const auto start = kernel::RangeCommit::start(swap.target);
  if (!start) {
    return nothing_done(before_change(start.error()));
  }
  if (auto obstacle = check_at_last(swap)) {
    return nothing_done(*obstacle);
  }
  const auto at_last = basic_facts(swap.target);
  if (!at_last) {
    return nothing_done(before_change(at_last.error()));
  }
  boundary("exchange: right before the commit");
  const Status committed = start->commit(swap.donor, 0, {swap.mapping.file_offset, swap.length});
  boundary("exchange: after the commit");
  Ending ending = judge_exchange(swap, at_last->changed, committed);
  const auto after = basic_facts(swap.target);
  const bool own = lease && *lease && (*lease)->intact() && after && before->modified == swap.work.modified;
  return {std::move(ending), committed.has_value(), own ? std::optional(after->modified) : std::nullopt};
}

MethodResult attempt_exchange(const UnitWork& work, const Mapping& mapping, const DonorLook& donor) {
  const auto target = open_target(work.place, mapping.file, OpenFor::kWriting);
  const auto facts = donor.fd ? basic_facts(donor.fd->get()) : fail(Errc::kStale, "the donor is gone");
  if (!target || !facts) {
    return nothing_done(before_change(target ? facts.error() : target.error()));
  }
  const Swap swap{work, mapping, target->get(), donor.fd->get(), facts->attributes.size};
  if (auto obstacle = check_beforehand(swap)) {
    return nothing_done(*obstacle);
  }
  // Written back, or tried and failed: either way the kernel tells of the next store.
  flush(swap.target, round_out(file_range_of(mapping), kPageBytes));
  return commit(swap);
}

}  // namespace

MethodResult swap_block(const UnitWork& work, const Mapping& mapping, const DonorLook& donor) {
  const auto start = std::chrono::steady_clock::now();
  MethodResult result = attempt_exchange(work, mapping, donor);
  while (result.ending.outcome == Outcome::kBusyRetry && std::chrono::steady_clock::now() - start < kExchangeLimit) {
    std::this_thread::sleep_for(kExchangePause);
    result = attempt_exchange(work, mapping, donor);
  }
  return result;
}

}  // namespace pmend::repair
