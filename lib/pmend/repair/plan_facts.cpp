// SPDX-License-Identifier: Apache-2.0
// The looking half of planner.hpp.
#include "pmend/base/unique_fd.hpp"
#include "pmend/repair/gates.hpp"
#include "pmend/repair/lease.hpp"
#include "pmend/repair/outcome_from_errno.hpp"
#include "pmend/repair/plan_exchange.hpp"
#include "pmend/repair/plan_frozen.hpp"
#include "pmend/repair/planner.hpp"
#include "pmend/repair/sectors.hpp"

#include <algorithm>
#include <set>

namespace pmend::repair {
namespace {

using protocol::PlanReply;
using protocol::PlanRequest;

// Something could not be looked at: nothing is known, unless the file is no more what the owners say.
PlanReply refuse_for(const Error& error) {
  const bool unresolved = outcome_of(error) == Outcome::kTargetChanged;
  return refuse(unresolved ? RefusalState::kUnresolved : RefusalState::kBlocked, error.message());
}

Result<std::optional<PlanRefusal>> gates(const Place& place, const TargetFacts& file) {
  const auto corrupted = hardware_corrupted_kib(place);
  if (!corrupted) {
    return tl::make_unexpected(corrupted.error());
  }
  auto reason = forbidden_place(place);
  if (!reason && !file.kinds.dax) {
    reason = forbidden_memory(place, *corrupted);
  }
  if (!reason) {
    reason = forbidden_file(file);
  }
  return reason ? std::optional(PlanRefusal{RefusalState::kBlocked, *reason}) : std::nullopt;
}

// The pages of the file that hold the requested device ranges. Errors: kStale where the file does not have them.
Result<std::set<std::uint64_t>> pages_of(int fd, const Place& place, const PlanRequest& request) {
  const auto pieces = pieces_of(fd, place, {0, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())});
  if (!pieces) {
    return tl::make_unexpected(pieces.error());
  }
  RangeSet missing(request.ranges);
  std::set<std::uint64_t> pages;
  for (const Piece& piece : *pieces) {
    for (const ByteRange& range : request.ranges) {
      const auto part = piece.extent.has_device_range() ? intersect(piece.device_range(), range) : std::nullopt;
      if (!part) {
        continue;
      }
      missing.erase(*part);
      const std::uint64_t begin = piece.file_range.offset + (part->offset - piece.device_offset);
      const ByteRange whole = round_out({begin, part->length}, kPageBytes);
      for (std::uint64_t page = whole.offset; page < whole.end(); page += kPageBytes) {
        pages.insert(page);
      }
    }
  }
  if (!missing.empty()) {
    return fail(Errc::kStale, "the file does not have " + to_string(missing.ranges().front()) + " of " + place.device);
  }
  return pages;
}

Result<PageFacts> page_facts(int fd, const Place& place, const TargetFacts& file, std::uint64_t page) {
  const auto view = view_page(fd, page, place.read_limit);
  if (!view) {
    return tl::make_unexpected(view.error());
  }
  PageFacts facts{view->file_range, view->state, {}, {}};
  auto pieces = pieces_of(fd, place, data_part(view->file_range, file));
  if (!pieces) {
    return tl::make_unexpected(pieces.error());
  }
  for (const Piece& piece : *pieces) {
    if (!piece.extent.has_device_range()) {
      facts.readable.emplace_back();
      continue;
    }
    const auto read = read_sectors(place, piece.device_range());
    if (!read) {
      return tl::make_unexpected(read.error());
    }
    facts.readable.push_back(read->readable);
  }
  facts.pieces = std::move(*pieces);
  return facts;
}

Result<std::vector<PageFacts>> all_page_facts(int fd, const Place& place, const PlanRequest& request,
                                              const TargetFacts& file) {
  const auto pages = pages_of(fd, place, request);
  if (!pages) {
    return tl::make_unexpected(pages.error());
  }
  std::vector<PageFacts> all;
  for (const std::uint64_t page : *pages) {
    if (page >= file.attributes.size) {
      return fail(Errc::kRefused, "the bad sector is in space behind the end of the file");
    }
    if (!all.empty() && all.back().file_range.contains(page)) {
      continue;  // of a folio that was looked at
    }
    auto facts = page_facts(fd, place, file, page);
    if (!facts) {
      return tl::make_unexpected(facts.error());
    }
    all.push_back(std::move(*facts));
  }
  return all;
}

// Nobody has seen a kernel that takes it, so nobody could try what is done with it: not done there either.
std::string zeroinit_text(const Place& place) {
  const auto known = place.knows_zeroinit();
  if (!known) {
    return "whether this kernel has \"zeroinit\" cannot be tried: " + known.error().message();
  }
  return *known
             ? "this kernel takes \"zeroinit\" (fallocate mode 0x81), but pmend does not carry it out yet"
             : "this kernel does not have \"zeroinit\" (fallocate mode 0x81, of patches that Linux never took: it says "
               "EOPNOTSUPP)";
}

// Asked only where a write lease will be needed: a lease taken and given back at once is the kernel's own answer.
Result<std::optional<std::string>> in_use(int fd, const Place& place, const PlanFacts& facts) {
  const bool needed = std::any_of(facts.pages.begin(), facts.pages.end(),
                                  [](const PageFacts& page) { return page.cache != CacheState::kWhole; });
  if (!needed) {
    return std::optional<std::string>();
  }
  const auto free = could_be_leased(place, fd);
  if (!free) {
    return tl::make_unexpected(free.error());
  }
  return *free ? std::nullopt : std::optional(users_text(place, facts.file));
}

Result<PlanFacts> observe(int fd, const Place& place, const PlanRequest& request, TargetFacts file) {
  PlanFacts facts;
  auto boot_id = current_boot_id();
  auto list = place.list();
  auto pages = all_page_facts(fd, place, request, file);
  for (const Error* error :
       {boot_id ? nullptr : &boot_id.error(), list ? nullptr : &list.error(), pages ? nullptr : &pages.error()}) {
    if (error != nullptr) {
      return tl::make_unexpected(*error);
    }
  }
  facts.boot_id = *boot_id;
  facts.file = std::move(file);
  facts.list = *list;
  facts.pages = std::move(*pages);
  auto users = in_use(fd, place, facts);
  if (!users) {
    return tl::make_unexpected(users.error());
  }
  facts.in_use = *users;
  const auto corrupted = hardware_corrupted_kib(place);
  if (!corrupted) {
    return tl::make_unexpected(corrupted.error());
  }
  if (std::ranges::find(request.methods, Method::kZeroinit) != request.methods.end()) {
    facts.no_zeroinit = zeroinit_text(place);
  }
  facts.memory_errors = forbidden_memory(place, *corrupted);
  return facts;
}

std::string reason_for(const Owner& owner) {
  const std::string detail = owner.detail.empty() ? "" : " (" + owner.detail + ")";
  switch (owner.kind) {
    case OwnerKind::kMetadata:
      return "metadata of the file system" + detail + ": only its own repair program may write there";
    case OwnerKind::kFree:
      return "free space: nothing is lost there; only frozen-write reaches it, where a rule names it";
    case OwnerKind::kRaw:
      return "no file system lies there: only who uses the device knows what to write";
    case OwnerKind::kUnknown:
      return "the owner is not known" + detail;
    case OwnerKind::kFile:
      break;
  }
  return "the file is not identified";
}

// By redirty, rewrite or recovery-write.
PlanReply plan_in_file(const Place& place, const PlanRequest& request) {
  if (auto refusal = refusal_for_owners(request.owners)) {
    return {std::nullopt, refusal};
  }
  if (auto reason = forbidden_place(place)) {
    return refuse(RefusalState::kBlocked, *reason);
  }
  const auto fd = open_target(place, *request.owners.front().file, OpenFor::kReading);
  if (!fd) {
    return refuse_for(fd.error());
  }
  auto file = target_facts(place, fd->get());
  if (!file) {
    return refuse_for(file.error());
  }
  const auto refusal = gates(place, *file);
  if (!refusal || *refusal) {
    return refusal ? PlanReply{std::nullopt, *refusal} : refuse_for(refusal.error());
  }
  const auto facts = observe(fd->get(), place, request, std::move(*file));
  return facts ? make_plan(place, request, *facts) : refuse_for(facts.error());
}

}  // namespace

std::optional<PlanRefusal> refusal_for_owners(const std::vector<Owner>& owners) {
  if (owners.empty()) {
    return PlanRefusal{RefusalState::kUnresolved, "the owner is not known"};
  }
  for (const Owner& owner : owners) {
    const bool known = owner.kind != OwnerKind::kUnknown && (owner.kind != OwnerKind::kFile || owner.file);
    if (owner.kind != OwnerKind::kFile || !known) {
      return PlanRefusal{known ? RefusalState::kBlocked : RefusalState::kUnresolved, reason_for(owner)};
    }
    if (owner.shared || owner.file != owners.front().file) {
      return PlanRefusal{RefusalState::kBlocked,
                         "the extent is shared by several files: writing through one of them would move it and leave "
                         "the bad sector to the others"};
    }
  }
  return std::nullopt;
}

Result<std::string> current_boot_id() {
  auto text = read_text_file("/proc/sys/kernel/random/boot_id");
  if (text && !text->empty() && text->back() == '\n') {
    text->pop_back();
  }
  return text;
}

Result<std::vector<PageFacts>> look_at_pages(int fd, const Place& place, const PlanRequest& request,
                                             const TargetFacts& file) {
  return all_page_facts(fd, place, request, file);
}

PlanReply plan_repair(const Place& place, const PlanRequest& request) {
  PlanReply reply = plan_in_file(place, request);
  const auto is_blocked = [&reply] { return reply.refusal && reply.refusal->state == RefusalState::kBlocked; };
  if (is_blocked()) {
    if (auto exchange = plan_exchange(place, request, *reply.refusal)) {
      reply = std::move(*exchange);
    }
  }
  if (is_blocked() && may_freeze(request)) {
    const PlanReply frozen = plan_frozen(place, request);
    if (frozen.plan || frozen.refusal->state != RefusalState::kBlocked) {
      return frozen;
    }
    reply.refusal->reason += "; on the device itself: " + frozen.refusal->reason;
  }
  return reply;
}

}  // namespace pmend::repair
