// SPDX-License-Identifier: Apache-2.0
#include "pmend/repair/methods/redirty.hpp"

#include "pmend/base/boundary.hpp"
#include "pmend/kernel/page_cache.hpp"
#include "pmend/repair/child.hpp"
#include "pmend/repair/lease.hpp"

#include <algorithm>
#include <csignal>
#include <cstdint>

namespace pmend::repair {
namespace {

using kernel::FileMapping;

// Exit statuses of the child that touches.
enum Touch : int { kTouched, kNotResident, kNotMapped };

// Stores the word that is there, as one atomic action. A plain fetch_or(0) may be compiled to a load.
void exchange_for_itself(std::byte* word_in_page) {
  auto* word = static_cast<std::uint32_t*>(static_cast<void*>(word_in_page));
  std::uint32_t value = __atomic_load_n(word, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(word, &value, value, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
  }
}

// In the child: a page that is gone raises SIGBUS.
int touch_pages(int fd, const ByteRange& pages) {
  const auto mapping = FileMapping::create(fd, pages, FileMapping::Access::kReadWrite);
  if (!mapping) {
    return kNotMapped;
  }
  const auto resident = mapping->resident();
  if (!resident || !std::all_of(resident->begin(), resident->end(), [](bool there) { return there; })) {
    return kNotResident;
  }
  for (std::uint64_t at = 0; at < pages.length; at += kPageBytes) {
    kernel::split_folio(mapping->data() + at);
    exchange_for_itself(mapping->data() + at);
  }
  return kTouched;
}

Obstacle touch(const UnitWork& work, int fd) {
  for (const Mapping& mapping : work.planned().mappings) {
    const ByteRange pages = round_out({mapping.file_offset, mapping.device_range.length}, kPageBytes);
    const auto child = run_in_child(work.place.read_limit, [&] { return touch_pages(fd, pages); });
    if (!child) {
      return before_change(child.error());
    }
    if (child->end == ChildEnd::kSignal && child->value == SIGBUS) {
      return changed("the page went out of the page cache");
    }
    if (child->end != ChildEnd::kExited) {
      // If it lands later it changes no byte, but nobody can tell now.
      return Ending{Outcome::kIndeterminate, failed_child(*child, "touch the cached page").value().message()};
    }
    if (child->value == kNotResident) {
      return changed("the page went out of the page cache");
    }
    if (child->value != kTouched) {
      return Ending{Outcome::kNotSupported, "the file cannot be mapped for writing"};
    }
  }
  return std::nullopt;
}

std::optional<Error> write_back(const UnitWork& work, int fd) {
  for (const Mapping& mapping : work.planned().mappings) {
    const ByteRange pages = round_out({mapping.file_offset, mapping.device_range.length}, kPageBytes);
    const auto mapped = FileMapping::create(fd, pages, FileMapping::Access::kRead);
    if (!mapped) {
      return mapped.error();
    }
    if (auto synced = mapped->sync(); !synced) {
      return synced.error();
    }
  }
  return std::nullopt;
}

// Every page of the unit is cached as a whole, and what will be written with it belongs to the plan.
Obstacle check_pages(const UnitWork& work, const Salvaged& salvaged) {
  if (!salvaged.is_wholly_cached()) {
    return changed("the page is not in the page cache any more");
  }
  const RangeSet allowed(file_ranges_of(work.plan, Method::kRedirty));
  const ByteRange data = round_out({0, work.index.size}, kPageBytes);
  for (const PageView& page : salvaged.pages) {
    const auto written = intersect(page.file_range, data);
    const auto in_plan = written ? allowed.common(*written) : std::vector<ByteRange>();
    // Behind the last block of the file there is nothing to write.
    const bool inside = written && in_plan.size() == 1 && in_plan.front().offset == written->offset &&
                        in_plan.front().length + kPageBytes > written->length;
    if (!inside) {
      return changed("more would be written back than the plan says: the page lies in a larger folio now");
    }
  }
  return std::nullopt;
}

Obstacle check_all(const UnitWork& work, int fd) {
  const auto facts = target_facts(work.place, fd);
  if (!facts) {
    return before_change(facts.error());
  }
  if (auto obstacle = check_gates(work.place, fd, *facts, Method::kRedirty)) {
    return obstacle;
  }
  if (auto obstacle = check_mapping(work, fd)) {
    return obstacle;
  }
  const auto salvaged = salvage(work.place, fd, work.planned());
  if (!salvaged) {
    return before_change(salvaged.error());
  }
  if (auto difference = sectors_difference(work.before().unit.sectors, salvaged->sectors)) {
    return changed(*difference);
  }
  if (auto obstacle = check_pages(work, *salvaged)) {
    return obstacle;
  }
  return check_listed(work);
}

// The modification time, which is our own doing if it was the expected one before and nobody else can write.
std::optional<FileTime> modified_now(int fd) {
  const auto facts = basic_facts(fd);
  return facts ? std::optional(facts->modified) : std::nullopt;
}

}  // namespace

MethodResult redirty(const UnitWork& work) {
  const auto fd = open_target(work.place, work.file(), OpenFor::kWriting);
  if (!fd) {
    return {before_change(fd.error()), false, {}};
  }
  const auto lease = take_lease(work.place, fd->get());
  if (auto obstacle = check_all(work, fd->get())) {
    return {*obstacle, false, {}};
  }
  const bool time_known = modified_now(fd->get()) == work.modified;
  boundary("redirty: before the page is touched");
  if (auto obstacle = touch(work, fd->get())) {
    return {*obstacle, false, {}};
  }
  boundary("redirty: before the page is written back");
  const auto own_time = modified_now(fd->get());
  const auto failure = write_back(work, fd->get());
  boundary("redirty: after the page was written back");
  const bool leased = lease && *lease && (*lease)->intact();
  // What must be on the medium is what the file holds now, also where its users changed it since it was spooled.
  const auto look = look_at_unit(work, fd->get(), Exclusion::kNone);
  if (!look) {
    return {{Outcome::kIndeterminate, look.error().message()}, true, {}};
  }
  return {judge(*look, Exclusion::kNone, failure), true, leased && time_known ? own_time : std::nullopt};
}

}  // namespace pmend::repair
